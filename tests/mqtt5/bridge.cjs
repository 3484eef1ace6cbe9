// node bridge.cjs FOLDER: mqtt-packet, which is in FOLDER, for a test. Each line of JSON that comes in is answered with one.
//
//   {"encode": packet}  ->  {"bytes": "10..."}
//   {"decode": "10..."} ->  {"packets": [packet]}      the bytes in hex, of one packet or several
//   in both cases, or   ->  {"error": "what it says"}
//
// Packets are mqtt-packet's own objects, where {"hex": "..."} stands for a Buffer.

const readline = require('readline')
const mqtt = require(process.argv[2])

const V5 = { protocolVersion: 5 }

function buffersIn (key, value) {
  return value && typeof value.hex === 'string' ? Buffer.from(value.hex, 'hex') : value
}

function buffersOut (key, value) {
  // JSON.stringify has made {type: 'Buffer', data: [...]} of it.
  return value && value.type === 'Buffer' ? { hex: Buffer.from(value.data).toString('hex') } : value
}

function decode (data) {
  const parser = mqtt.parser(V5)
  const packets = []
  parser.on('packet', packet => packets.push(packet))
  parser.on('error', error => { throw error })
  if (parser.parse(data) !== 0 || parser._stateCounter !== 0) throw new Error('more bytes than packets')
  return packets
}

function answer (asked) {
  try {
    if (asked.encode) return { bytes: mqtt.generate(asked.encode, V5).toString('hex') }
    return { packets: decode(Buffer.from(asked.decode, 'hex')) }
  } catch (error) {
    return { error: error.message }
  }
}

readline.createInterface({ input: process.stdin }).on('line', line => {
  console.log(JSON.stringify(answer(JSON.parse(line, buffersIn)), buffersOut))
})
