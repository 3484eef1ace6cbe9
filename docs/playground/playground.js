// <umqtt2-playground>: an editor, umqtt2 on MicroPython, and a broker, in the page. With the attribute `large` it is as
// high as a page of its own allows; `program` says which program it begins with.
//
// Each run is a worker of its own (worker.js), which is ended to stop the program. What is heavy is loaded late: the
// editor when the element is seen, MicroPython when a program runs.

const PROGRAMS = {
  lamp: 'A lamp',
  asyncio: 'Tasks: asyncio',
  robust: 'A broker that goes away: robust',
  request: 'Request and response: MQTT 5',
};
const OUTPUT = 20000; // characters that are kept
const PACKETS = 300; // lines, likewise
const TOPICS = 6; // whose last message is shown
const ARROWS = { '->': ['to the broker', '→'], '<-': ['from the broker', '←'] };
const MODULE = new URL('.', import.meta.url);

const HTML = `
<link rel="stylesheet" href="${new URL('playground.css', MODULE)}">
<div class="playground" role="group" aria-label="Playground">
  <div class="bar">
    <label>Program <select id="program"></select></label>
    <button id="run" class="primary" title="Ctrl+Enter">Run</button>
    <button id="stop" disabled>Stop</button>
    <span id="status" role="status"></span>
  </div>
  <div class="columns">
    <div id="editor"></div>
    <section aria-labelledby="output-title">
      <h4 id="output-title">Output</h4>
      <pre id="output" role="log" tabindex="0" aria-labelledby="output-title"></pre>
    </section>
  </div>
  <div class="columns">
    <section aria-labelledby="packets-title">
      <h4 id="packets-title">Packets</h4>
      <div id="packets" role="log" aria-live="off" tabindex="0" aria-labelledby="packets-title"></div>
    </section>
    <section aria-labelledby="broker-title">
      <h4 id="broker-title">Broker</h4>
      <div class="fields">
        <label class="wide">Address
          <input id="address" type="text" inputmode="url" spellcheck="false" autocomplete="off" autocapitalize="off"
            placeholder="empty: a broker in this page" aria-describedby="address-help"></label>
      </div>
      <p id="address-help" class="help">Your own broker by its WebSocket: <code>ws://host:9001/mqtt</code></p>
      <form id="publish" class="fields">
        <label>Topic <input id="topic" value="lamp/set" required spellcheck="false" autocapitalize="off"></label>
        <label>Message <input id="message" value="on" spellcheck="false" autocapitalize="off"></label>
        <label class="narrow">QoS <select id="qos"><option>0<option selected>1<option>2</select></label>
        <label class="check"><input id="retain" type="checkbox"> retain</label>
        <button id="send" disabled>Publish</button>
        <button id="cut" type="button" disabled>Cut the connection</button>
      </form>
      <table id="messages" hidden>
        <thead><tr><th scope="col">Topic</th><th scope="col">Last message</th></tr></thead>
        <tbody></tbody>
      </table>
    </section>
  </div>
</div>
`;

// Append to something that scrolls, and stay at its end if it was there.
function append(box, node) {
  const end = box.scrollHeight - box.scrollTop - box.clientHeight < 30;
  box.append(node);
  if (end) box.scrollTop = box.scrollHeight;
}

function element(name, text, kind = '') {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = kind;
  return made;
}

// The URL for what was typed in. Throws TypeError for what is none.
export function brokerUrl(text) {
  const typed = text.trim();
  if (!typed) return '';
  const scheme = window.location.protocol === 'https:' ? 'wss://' : 'ws://';
  const url = new URL(/^[a-z]+:\/\//i.test(typed) ? typed : scheme + typed);
  if (!['ws:', 'wss:'].includes(url.protocol)) throw new TypeError('not ws:// or wss://');
  if (url.pathname === '/') url.pathname = '/mqtt';
  return url.href;
}

class Playground extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: 'open' });
    root.innerHTML = HTML;
    for (const part of root.querySelectorAll('[id]')) this[`$${part.id}`] = part;
    for (const [name, title] of Object.entries(PROGRAMS)) this.$program.add(new Option(title, name));
    this.$program.value = this.getAttribute('program') || 'lamp';
    this.shown = ''; // the program in the editor
    this.edited = {}; // what became of each
    this.$program.onchange = () => this.choose(this.$program.value);
    this.$run.onclick = () => this.run();
    this.$stop.onclick = () => this.stop('Stopped.');
    this.$cut.onclick = () => this.cut(!this.isCut);
    this.$publish.onsubmit = (event) => {
      event.preventDefault();
      this.publish();
    };
    // Before the editor, which has a meaning of its own for it; and the site's one-letter shortcuts see nothing.
    root.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopPropagation();
        this.run();
      }
    }, true);
    root.addEventListener('keydown', (event) => event.stopPropagation());
    this.ready = new Promise((resolve) => {
      const seen = new IntersectionObserver((entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        seen.disconnect();
        this.begin().then(resolve, (error) => this.say(`The editor did not load: ${error.message}`));
      }, { rootMargin: '300px' });
      seen.observe(this);
    });
  }

  disconnectedCallback() {
    this.stop('');
  }

  async begin() {
    const [{ makeEditor }] = await Promise.all([import('./editor.js'), this.fetchProgram(this.$program.value)]);
    this.editor = makeEditor(this.$editor, this.shadowRoot);
    await this.show(this.$program.value);
  }

  // What is begun now comes after the program is shown.
  choose(name) {
    this.ready = this.ready.then(() => this.show(name)).catch((error) => this.say(error.message));
  }

  async fetchProgram(name) {
    if (name in this.edited) return;
    const response = await fetch(new URL(`programs/${name}.py`, MODULE));
    if (!response.ok) throw new Error(`${name}.py: ${response.status}`);
    this.edited[name] = await response.text();
  }

  async show(name) {
    await this.fetchProgram(name);
    if (this.shown) this.edited[this.shown] = this.editor.text();
    this.shown = name;
    this.editor.setText(this.edited[name]);
    this.stop('');
  }

  // --- A run ---------------------------------------------------------------------------------------------

  async run() {
    await this.ready;
    this.stop('');
    let address;
    try {
      address = brokerUrl(this.$address.value);
    } catch (error) {
      this.say(`This is no address of a broker: ${error.message}`);
      this.$address.focus();
      return;
    }
    this.clients = new Set();
    for (const part of ['output', 'packets']) this[`$${part}`].replaceChildren();
    this.$messages.tBodies[0].replaceChildren();
    this.$messages.hidden = true;
    this.ownBroker = address !== '';
    this.worker = new Worker(new URL('worker.js', MODULE), { type: 'module' });
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.onerror = (event) => this.stop(`MicroPython did not load: ${event.message || 'see the browser’s console'}`);
    this.say('MicroPython is loading …');
    this.worker.postMessage({ run: this.editor.text(), address });
    this.setCut(false);
    this.enable();
  }

  stop(why) {
    if (this.worker) this.worker.terminate();
    this.worker = null;
    this.say(why);
    this.setCut(false);
    this.enable();
  }

  enable() {
    const runs = Boolean(this.worker);
    const focused = this.shadowRoot.activeElement;
    this.$run.textContent = runs ? 'Run again' : 'Run';
    this.$stop.disabled = this.$cut.disabled = !runs;
    this.$send.disabled = !runs || this.ownBroker;
    if (focused?.disabled) this.$run.focus(); // or the keyboard begins at the top of the page again
    this.$send.title = runs && this.ownBroker ? 'Publish with a client of your own, such as python -m umqtt2 pub' : '';
  }

  hear(data) {
    if ('output' in data) this.print(data.output);
    else if ('packet' in data) this.showPacket(data.packet, data.client, data.time);
    else if ('published' in data) this.showMessage(...data.published);
    else if ('refused' in data) this.say(data.refused);
    else if ('loaded' in data) this.say('Running');
    else if ('ended' in data) this.stop('The program has ended.');
  }

  say(text) {
    this.$status.textContent = text;
  }

  print(text) {
    append(this.$output, text);
    const kept = this.$output.textContent;
    if (kept.length > OUTPUT) this.$output.textContent = kept.slice(kept.indexOf('\n', kept.length - OUTPUT / 2) + 1);
  }

  showPacket(line, client, time) {
    const [, direction, what] = line.match(/^(\S+) (.*)$/) || ['', '', line];
    const [words, arrow] = ARROWS[direction] || ['', ''];
    const row = element('div', '', words ? `packet ${direction === '->' ? 'out' : 'in'}` : 'packet');
    const sign = element('span', arrow, 'arrow');
    if (words) {
      sign.setAttribute('role', 'img');
      sign.setAttribute('aria-label', words);
      sign.title = words;
    }
    row.append(element('span', time, 'time'), sign);
    if (client) this.clients.add(client);
    const text = element('span', what, 'what');
    if (client && this.clients.size > 1) text.prepend(element('span', `${client} `, 'client'));
    row.append(text);
    append(this.$packets, row);
    if (this.$packets.childElementCount > PACKETS) this.$packets.firstElementChild.remove();
  }

  showMessage(topic, message) {
    const rows = this.$messages.tBodies[0];
    [...rows.rows].find((row) => row.cells[0].textContent === topic)?.remove();
    const row = rows.insertRow(0);
    row.insertCell().textContent = topic;
    row.insertCell().textContent = message;
    if (rows.rows.length > TOPICS) rows.deleteRow(TOPICS);
    this.$messages.hidden = false;
  }

  // --- The broker ------------------------------------------------------------------------------------------

  command(command) {
    this.worker?.postMessage({ command });
  }

  publish() {
    if (this.$send.disabled) return;
    const qos = Number(this.$qos.value);
    this.command({ publish: [this.$topic.value, this.$message.value, qos, this.$retain.checked] });
    this.say(`Published to ${this.$topic.value}`);
  }

  cut(isCut) {
    this.command({ cut: isCut });
    this.setCut(isCut);
    this.say(isCut ? 'The connection is cut.' : 'The broker can be reached again.');
  }

  setCut(isCut) {
    this.isCut = isCut;
    this.$cut.textContent = isCut ? 'Bring it back' : 'Cut the connection';
  }
}

customElements.define('umqtt2-playground', Playground);
