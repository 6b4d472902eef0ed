/** `node server.ts DATABASE` serves the database that the bench has seeded; the rest comes in the environment. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openAdapterDatabase } from './adapter.ts'
import { createProvider } from './provider.ts'

const [file] = process.argv.slice(2)
const { BENCH_CLIENT_ID: clientId, BENCH_CLIENT_SECRET: clientSecret, BENCH_COMMITTING: committing } = process.env
const isComplete = committing === 'together' || committing === 'alone'
if (file === undefined || clientId === undefined || clientSecret === undefined || !isComplete) {
  throw new Error('needs a database file, BENCH_CLIENT_ID, BENCH_CLIENT_SECRET and BENCH_COMMITTING')
}
const database = openAdapterDatabase(file, committing)
const provider = createProvider(database, { clientId, clientSecret })
provider.on('server_error', (_context, error) => console.error(error))
const server = createServer(provider.callback())
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(JSON.stringify({ event: 'ready', issuer: `http://127.0.0.1:${port}` }))
})
process.once('SIGTERM', () => {
  server.close(() => database.close())
  server.closeIdleConnections()
})
