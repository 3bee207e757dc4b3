// adbkit's TcpUsb bridge on a free port of 127.0.0.1, printed on stdout.
//
//   node bridge.js allow|refuse|ignore LOG [KNOWN_PUBLIC_KEY]
//
// What is tested is its authentication, which verifies RSA signatures. Behind the bridge there
// would be an adb server with a phone; of that only `getprop`, which completes the handshake, is
// stood in for.
const fs = require('fs');
const { Adb } = require('@devicefarmer/adbkit');
const Auth = require('@devicefarmer/adbkit/dist/src/adb/auth').default;

const [answer, log, known] = process.argv.slice(2);

function ask(key) {
  fs.appendFileSync(log, `${key.fingerprint} ${key.comment}\n`);
  if (answer === 'allow') return Promise.resolve();
  if (answer === 'refuse') return Promise.reject(new Error('refused'));
  return new Promise(() => {});
}

async function main() {
  const client = Adb.createClient();
  client.getDevice = () => ({ getProperties: async () => ({ 'ro.product.model': 'bridge' }) });
  const options = { auth: ask, knownPublicKeys: [] };
  if (known) options.knownPublicKeys.push(await Auth.parsePublicKey(fs.readFileSync(known)));
  const server = client.createTcpUsbBridge('phone', options);
  server.on('error', () => {});
  server.on('listening', () => console.log(server.server.address().port));
  server.listen(0, '127.0.0.1');
}

main();
