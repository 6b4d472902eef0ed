/** `node server.ts FILE|URL` serves the database that the bench has seeded; the rest comes in the environment. */

import { createServer } from 'node:http'
import { serveInProcesses } from '../processes.ts'
import { type AdapterDatabase, openAdapterDatabase } from './adapter.ts'
import { openPgAdapter } from './adapter-pg.ts'
import { createProvider } from './provider.ts'

const [place] = process.argv.slice(2)
const { BENCH_CLIENT_ID: clientId, BENCH_CLIENT_SECRET: clientSecret, BENCH_SIGNING_KEY: signingKey } = process.env
if (place === undefined || clientId === undefined || clientSecret === undefined || signingKey === undefined) {
  throw new Error('needs a database, BENCH_CLIENT_ID, BENCH_CLIENT_SECRET and BENCH_SIGNING_KEY')
}
await serveInProcesses(() => {
  const database = open(place)
  const provider = createProvider(database, { clientId, clientSecret, signingKey })
  provider.on('server_error', (_context, error) => console.error(error))
  return { server: createServer(provider.callback()), close: database.close }
})

function open(at: string): AdapterDatabase {
  if (at.startsWith('postgres:')) return openPgAdapter(at)
  return openAdapterDatabase(at, process.env['BENCH_COMMITTING'] === 'alone' ? 'alone' : 'together')
}
