// One run of a program: MicroPython with umqtt2, in a thread of its own. The page ends it to stop the program.
//
// From the page:  {run: text, address: URL or ''}, then {command: ...}, which Python takes with page.take()
// To the page:    {loaded: true}, {output: text}, {ended: true}, and what Python gives to page.tell()
import { Machine } from './suspend.js';

const MEMORY = 256 << 20; // bytes that a program may take: none are given back while it runs, see suspend.js
const MAIN = `
import sys
try:
    import playground
    playground.run("/main.py")
except BaseException as e:
    sys.print_exception(e)
`;
const OFTEN = 50; // milliseconds, between two texts for the page

// What the program prints: many small pieces become few messages.
class Output {
  decoder = new TextDecoder();
  text = '';
  sent = 0;

  write(bytes) {
    this.text += this.decoder.decode(bytes, { stream: true });
    if (bytes[0] === 10 && Date.now() - this.sent > OFTEN) this.flush();
  }

  flush() {
    if (this.text) postMessage({ output: this.text });
    this.text = '';
    this.sent = Date.now();
  }
}

// A WebSocket that is asked what has come: the browser cannot call Python while a program is suspended.
class Socket {
  chunks = [];
  closed = '';

  constructor(url) {
    try {
      this.socket = new WebSocket(url, ['mqtt']);
    } catch (error) {
      this.socket = {};
      this.closed = error.message; // a page that came by https may not use ws://
      return;
    }
    this.socket.binaryType = 'arraybuffer';
    this.socket.onopen = wake;
    this.socket.onmessage = (event) => {
      // A broker that sends text breaks MQTT [MQTT-6.0.0-1].
      if (typeof event.data === 'string') this.close();
      else if (event.data.byteLength) this.chunks.push(new Uint8Array(event.data));
      wake();
    };
    this.socket.onclose = (event) => {
      this.closed = `${event.code} ${event.reason}`.trim();
      wake();
    };
  }

  // 0 connecting, 1 open, 2 and 3 closed; what has come may still be taken
  state() {
    return this.closed ? WebSocket.CLOSED : this.socket.readyState;
  }

  waiting() {
    return this.chunks.length;
  }

  take(n) {
    const chunk = this.chunks[0];
    if (chunk.length <= n) return this.chunks.shift();
    this.chunks[0] = chunk.subarray(n);
    return chunk.subarray(0, n);
  }

  // How many bytes were given to send(), and have yet to go.
  buffered() {
    return this.socket.bufferedAmount;
  }

  send(bytes) {
    this.socket.send(bytes);
  }

  close() {
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.closed = this.closed || 'by the program';
    this.socket.close?.();
  }
}

const output = new Output();
const commands = [];
let wakeUp = null; // ends the sleep that is under way
let woken = false;

function wake() {
  woken = true;
  if (wakeUp) wakeUp();
}

// Sleep so many milliseconds; less when there is a command, or something has come.
function sleep(ms) {
  output.flush();
  return new Promise((resolve) => {
    const timer = setTimeout(() => wakeUp(), woken ? 0 : ms);
    wakeUp = () => {
      clearTimeout(timer);
      wakeUp = null;
      woken = false;
      resolve();
    };
  });
}

function makeFolders(files, path) {
  for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) {
    if (!files.analyzePath(path.slice(0, at)).exists) files.mkdir(path.slice(0, at));
  }
}

async function run({ run: program, address }) {
  const library = fetch(new URL('made/lib.json', import.meta.url)).then((response) => response.json());
  const machine = await Machine.load((bytes) => output.write(bytes));
  for (const [name, text] of Object.entries(await library)) {
    makeFolders(machine.vm.FS, `/lib/${name}`);
    machine.vm.FS.writeFile(`/lib/${name}`, text);
  }
  machine.vm.FS.writeFile('/main.py', program);
  machine.vm.registerJsModule('page', {
    address,
    sleep: machine.suspending((ms) => {
      if (machine.memory() > MEMORY) end('The program was ended: it has used all the memory that there is for it.\n');
      return sleep(ms);
    }),
    take: () => (commands.length ? JSON.stringify(commands.shift()) : ''),
    tell: (text) => postMessage(JSON.parse(text)),
    connect: (url) => new Socket(url),
  });
  postMessage({ loaded: true });
  await machine.execute(MAIN);
  end('');
}

function end(why) {
  output.flush();
  postMessage({ output: why });
  postMessage({ ended: true }); // and the page ends this worker
}

onmessage = ({ data }) => {
  if ('run' in data) {
    run(data).catch((error) => end(`MicroPython has failed: ${error}\n`));
  } else {
    commands.push(data.command);
    wake();
  }
};
