/** `node server.ts PEER FILE|URL` serves a database that the bench has seeded; the rest comes in the environment. */

import type { Place } from '../contender.ts'
import { type Service, serveInProcesses } from '../processes.ts'
import type { PeerSecrets } from './peer.ts'
import { placeOf } from './rows.ts'

const [peer, place] = process.argv.slice(2)
const { BENCH_CLIENT_ID: clientId, BENCH_CLIENT_SECRET: clientSecret, BENCH_SIGNING_KEY: signingKey } = process.env
if (place === undefined || clientId === undefined || clientSecret === undefined || signingKey === undefined) {
  throw new Error('needs a peer, a database, BENCH_CLIENT_ID, BENCH_CLIENT_SECRET and BENCH_SIGNING_KEY')
}
const committing = process.env['BENCH_COMMITTING'] === 'alone' ? 'alone' : 'together'
await serveInProcesses(() => open(placeOf(place), { clientId, clientSecret, signingKey }))

async function open(at: Place, secrets: PeerSecrets): Promise<Service> {
  if (peer === 'node-oauth') return (await import('./node-oauth.ts')).openNodeOauth(at, secrets, committing)
  if (peer === 'jmondi') return (await import('./jmondi.ts')).openJmondi(at, secrets, committing)
  if (peer === 'better-auth') return (await import('./better-auth.ts')).serveBetterAuth(at, secrets)
  throw new Error(`there is no peer ${peer}`)
}
