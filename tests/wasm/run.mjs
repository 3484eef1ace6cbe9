// Runs a Python file on a WebAssembly build of MicroPython:
//   node run.mjs BUILD SCRIPT [HOST=VM]...
// BUILD is the folder with micropython.mjs, HOST=VM copies a file or folder of this machine into the VM's file system.
// When SCRIPT defines a coroutine function main() in an interpreter with asyncio, that is run then.
// Exits with 1 on an exception that SCRIPT does not catch, and as SCRIPT says on SystemExit.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const HEAP = 1024 * 1024;

// MicroPython 1.22 prints an exception that leaves runPython and gives it no type, so it is caught inside.
const RUN = `
import sys
_exit = 0
_has_main = False
_names = {"__name__": "__main__"}
try:
    exec(compile(open("/main.py").read(), "/main.py", "exec"), _names)
    _has_main = "main" in _names
except SystemExit as e:
    _exit = e.args[0] if e.args else 0
    if _exit is None:
        _exit = 0
    elif not isinstance(_exit, int):
        print(_exit)
        _exit = 1
except BaseException as e:
    sys.print_exception(e)
    _exit = 1
`;

const RUN_MAIN = `
try:
    import asyncio
    await asyncio.create_task(_names["main"]())
except BaseException as e:
    sys.print_exception(e)
    _exit = 1
`;

function makeFolder(vm, folder) {
  if (folder === '/' || vm.FS.analyzePath(folder).exists) return;
  makeFolder(vm, path.posix.dirname(folder));
  vm.FS.mkdir(folder);
}

function copy(vm, from, to) {
  if (fs.statSync(from).isDirectory()) {
    makeFolder(vm, to);
    for (const name of fs.readdirSync(from)) {
      if (name !== '__pycache__') copy(vm, path.join(from, name), path.posix.join(to, name));
    }
  } else {
    makeFolder(vm, path.posix.dirname(to));
    vm.FS.writeFile(to, fs.readFileSync(from));
  }
}

const [build, script, ...copies] = process.argv.slice(2);
if (!build || !script) {
  console.error('usage: node run.mjs BUILD SCRIPT [HOST=VM]...');
  process.exit(2);
}
const { loadMicroPython } = await import(pathToFileURL(path.resolve(build, 'micropython.mjs')));
// MicroPython 1.22 looks for its .wasm in the working folder unless it is told.
const vm = await loadMicroPython({ heapsize: HEAP, url: path.resolve(build, 'micropython.wasm') });
for (const pair of copies) {
  const at = pair.lastIndexOf('=');
  copy(vm, pair.slice(0, at), pair.slice(at + 1));
}
copy(vm, script, '/main.py');
vm.runPython(RUN);
if (vm.globals.get('_has_main')) await vm.runPythonAsync(RUN_MAIN);
process.exitCode = vm.globals.get('_exit');
