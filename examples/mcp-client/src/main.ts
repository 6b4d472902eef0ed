/** Starts Pawl and the MCP server in this process, and says how to start agents. */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { addUser, embedPawl } from 'pawl'
import { serveFetch } from './serve-fetch.ts'
import { openTideServer, tideScope } from './tide-server.ts'

const { PORT = '7301', SERVER_PORT = '7302', PASSWORD = randomBytes(9).toString('base64url') } = process.env
const issuer = `http://localhost:${SERVER_PORT}`
const url = `http://localhost:${PORT}/mcp`

const pawl = await embedPawl({
  issuer,
  masterKey: randomBytes(32).toString('base64url'),
  store: 'sqlite::memory:',
  logLevel: 'warn',
  registrationScopes: [tideScope, 'offline_access'],
})
await addUser(pawl.workbench('demonstration'), { email: 'ada@example.com', password: PASSWORD })
const server = await serveFetch((request, address) => pawl.fetch(request, { address }), Number(SERVER_PORT), issuer)
const tides = openTideServer({ issuer, url })
const served = await serveFetch(tides.fetch, Number(PORT), `http://localhost:${PORT}`)

console.log(`The MCP server is ready at ${url}; its tokens come from ${issuer}.
Sign in as ada@example.com with the password ${PASSWORD}

MCP_SERVER=${url} npm run agent -w @pawl-examples/mcp-client
`)

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await served.close()
await tides.close()
await server.close()
await pawl.close()
