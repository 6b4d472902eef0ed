/** Serves the site on node:http. Any server that speaks `fetch` (Hono, Bun, Deno) needs only the last few lines of its own. */

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { arrayBuffer } from 'node:stream/consumers'
import { openSite } from './site.ts'

const port = Number(process.env['PORT'] ?? 7297)
const issuer = `http://localhost:${port}`
const masterKey = process.env['PAWL_MASTER_KEY'] ?? randomBytes(32).toString('base64url')
const site = await openSite({ issuer, masterKey, databaseFile: process.env['DATABASE'] ?? ':memory:' })

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const headers = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD'
  const body = hasBody ? { body: await arrayBuffer(incoming) } : {}
  const request = new Request(new URL(incoming.url ?? '/', issuer), {
    method: incoming.method ?? 'GET',
    headers,
    ...body,
  })
  const response = await site.fetch(request, { address: incoming.socket.remoteAddress ?? 'unknown' })
  outgoing.statusCode = response.status
  outgoing.setHeaders(response.headers)
  outgoing.end(await response.text())
}

const server = createServer((incoming, outgoing) => {
  answer(incoming, outgoing).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
    outgoing.destroy()
  })
})
server.listen(port, '127.0.0.1', () =>
  process.stdout.write(`${issuer}/hello and ${issuer}/.well-known/openid-configuration\n`),
)

process.once('SIGTERM', () => {
  server.close(() => {
    site.close().catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
  })
})
