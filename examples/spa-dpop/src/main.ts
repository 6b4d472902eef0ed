/** Serves one page and its program. There is nothing else to it: what the application holds, it holds in the browser. */

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

interface Settings {
  readonly issuer: URL
  readonly clientId: string
  readonly port: number
}

const here = import.meta.dirname
const settings = readSettings(process.env)
const files = await readFiles(settings)
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://page.invalid')
  const file = request.method === 'GET' ? files.get(pathname) : undefined
  response.setHeaders(headersFor(settings, file?.type ?? 'text/plain; charset=utf-8'))
  if (file === undefined) response.statusCode = 404
  response.end(file?.body ?? 'Nothing here')
})
server.listen(settings.port, 'localhost')
await once(server, 'listening')
console.log(`The single-page example is ready at http://localhost:${settings.port}`)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
server.close()
server.closeAllConnections()

function readSettings(environment: NodeJS.ProcessEnv): Settings {
  return {
    issuer: new URL(environment['ISSUER'] ?? 'http://localhost:7295'),
    clientId: environment['CLIENT_ID'] ?? 'demo-spa',
    port: Number(environment['PORT'] ?? 7298),
  }
}

interface File {
  readonly type: string
  readonly body: string
}

async function readFiles({ issuer, clientId }: Settings): Promise<ReadonlyMap<string, File>> {
  const read = (name: string) => readFile(join(here, 'page', name), 'utf8')
  const bundle = await rolldown({ input: join(here, 'page', 'app.ts'), platform: 'browser' })
  const { output } = await bundle.generate({ format: 'es', minify: true })
  await bundle.close()
  const page = (await read('index.html'))
    .replace('{{issuer}}', escaped(issuer.href))
    .replace('{{client}}', escaped(clientId))
  const html = { type: 'text/html; charset=utf-8', body: page }
  return new Map([
    ['/', html],
    ['/callback', html],
    ['/app.js', { type: 'text/javascript; charset=utf-8', body: output[0].code }],
    ['/style.css', { type: 'text/css; charset=utf-8', body: await read('style.css') }],
    ['/icon.svg', { type: 'image/svg+xml', body: await read('icon.svg') }],
  ])
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}

/**
 * Whoever runs a script in this page can use what it holds, though not carry the key away. So no script runs here but our
 * own file, nothing is put together from text, and the page speaks to nobody but the server.
 */
function headersFor({ issuer }: Settings, type: string): Map<string, string> {
  const policy = [
    `default-src 'none'`,
    `script-src 'self'`,
    `style-src 'self'`,
    `img-src 'self'`,
    `connect-src ${issuer.origin}`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
    `require-trusted-types-for 'script'`,
    `trusted-types 'none'`,
  ]
  return new Map([
    ['content-type', type],
    ['cache-control', 'no-store'],
    ['content-security-policy', policy.join('; ')],
    ['cross-origin-opener-policy', 'same-origin'],
    ['referrer-policy', 'no-referrer'],
    ['x-content-type-options', 'nosniff'],
  ])
}
