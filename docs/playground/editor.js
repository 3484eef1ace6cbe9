// The editor: CodeMirror for Python, in the colours of the site. Tab leaves it, as it leaves every field.
import {
  EditorState, EditorView, HighlightStyle, bracketMatching, defaultKeymap, drawSelection, history, historyKeymap,
  indentOnInput, indentUnit, keymap, lineNumbers, python, syntaxHighlighting, tags,
} from './made/editor.js';

const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--keyword)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--number)' },
  { tag: [tags.comment], color: 'var(--comment)' },
  { tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName))], color: 'var(--name)' },
]);

const THEME = EditorView.theme({
  '&': { backgroundColor: 'transparent', color: 'inherit', height: '100%' },
  '.cm-content': { fontFamily: 'var(--code-font)', caretColor: 'currentcolor' },
  '.cm-cursor': { borderLeftColor: 'currentcolor' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--faint)', border: 'none' },
  '&.cm-focused': { outline: '2px solid var(--accent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--selection)',
  },
});

const EXTENSIONS = [
  lineNumbers(), EditorView.lineWrapping, history(), drawSelection(), indentOnInput(), bracketMatching(), python(), indentUnit.of('    '),
  syntaxHighlighting(COLOURS), THEME, keymap.of([...defaultKeymap, ...historyKeymap]),
  EditorView.contentAttributes.of({ 'aria-label': 'Program' }),
];

// Put an editor into an element of `root`.
export function makeEditor(parent, root) {
  const view = new EditorView({ parent, root });
  return {
    text: () => view.state.doc.toString(),
    setText: (text) => view.setState(EditorState.create({ doc: text, extensions: EXTENSIONS })),
  };
}
