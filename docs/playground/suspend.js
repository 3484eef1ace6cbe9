// MicroPython in which a call of JavaScript can take its time, without a frozen page.
//
// Theory of operation. WebAssembly returns to the browser only when its whole stack has returned. The .wasm was changed
// by Binaryen's asyncify so that this can be done and undone: `asyncify_start_unwind` makes each function save its
// local variables in a buffer and return, `asyncify_start_rewind` makes each one take them from there, down to the call
// that was suspended.
//
//     execute(code)                        Python calls page.sleep(100)
//         mp_js_do_exec() -> ... -> call2() -> sleep() sets `pending`
//         <- returns <----------  unwinding
//         await pending                    the page works
//         mp_js_do_exec() -> ... -> call2() returns
//              rewinding
//
// MicroPython frees no memory while a program is suspended or runs, it takes more: all that it finds of what is in use is
// what its own variables lead to, and not what is on the stack.
import { loadMicroPython } from './made/micropython.mjs';

const STACK = 1 << 18; // bytes, for the local variables of all functions that are suspended
const CALLS = ['call0', 'call1', 'call2', 'calln']; // imports of the .wasm that call a JavaScript function
const RUNNING = 0;
const UNWINDING = 1;
const REWINDING = 2;

export class Machine {
  // Load MicroPython. write(bytes) gets what it prints.
  static async load(write) {
    const machine = new Machine();
    const instantiate = WebAssembly.instantiateStreaming;
    WebAssembly.instantiateStreaming = async (response, imports) => {
      machine.watch(imports.env);
      const bytes = await (await response).arrayBuffer(); // not every server knows the type of a .wasm
      const made = await WebAssembly.instantiate(bytes, imports);
      machine.exports = made.instance.exports;
      return made;
    };
    try {
      machine.vm = await loadMicroPython({ stdout: write, stderr: write, linebuffer: false });
    } finally {
      WebAssembly.instantiateStreaming = instantiate;
    }
    const module = machine.vm._module;
    machine.stack = module._malloc(STACK);
    module.setValue(machine.stack, machine.stack + 8, 'i32');
    module.setValue(machine.stack + 4, machine.stack + STACK, 'i32');
    return machine;
  }

  // A function that Python may call, and that returns when the promise of `wait(...)` is kept. Its result is not passed on.
  suspending(wait) {
    return (...args) => {
      this.pending = wait(...args);
    };
  }

  // Bytes that MicroPython has taken, of all kinds.
  memory() {
    return this.vm._module.HEAPU8.length;
  }

  // Run Python code. Returns when it has ended; an exception that it does not catch is lost.
  async execute(code) {
    const { exports, stack } = this;
    const module = this.vm._module;
    const length = module.lengthBytesUTF8(code);
    const text = module._malloc(length + 1);
    module.stringToUTF8(code, text, length + 1);
    const result = module._malloc(12);
    exports.mp_js_do_exec(text, length, result);
    while (exports.asyncify_get_state() === UNWINDING) {
      exports.asyncify_stop_unwind();
      await this.pending;
      this.pending = null;
      exports.asyncify_start_rewind(stack);
      exports.mp_js_do_exec(text, length, result);
    }
    module._free(text);
    module._free(result);
  }

  watch(imports) {
    for (const name of CALLS) {
      const call = imports[name];
      imports[name] = (...args) => {
        if (this.exports.asyncify_get_state() === REWINDING) {
          this.exports.asyncify_stop_rewind(); // its result is where it belongs since it was suspended
          return;
        }
        call(...args);
        if (this.pending && this.exports.asyncify_get_state() === RUNNING) {
          this.exports.asyncify_start_unwind(this.stack);
        }
      };
    }
  }
}
