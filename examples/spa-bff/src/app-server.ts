/** The application's own server: one page and its program, and the backend that keeps its tokens. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answerBff } from '@pawl/bff'
import type { CustodyKey, CustodyStore } from '@pawl/client'
import { ClientSecretBasic } from 'oauth4webapi'
import { rolldown } from 'rolldown'
import { type Served, serve } from './serve.ts'

export interface AppOptions {
  readonly port: number
  readonly origin: string
  readonly issuer: string
  readonly apiUrl: string
  readonly store: CustodyStore
  readonly custodyKey: CustodyKey
  readonly clientId: string
  readonly clientSecret: string
}

export async function openApp(options: AppOptions): Promise<Served> {
  const { port, origin, issuer, apiUrl, store, custodyKey, clientId, clientSecret } = options
  const bff = answerBff({
    origin,
    server: issuer,
    client: { client_id: clientId },
    authentication: ClientSecretBasic(clientSecret),
    store,
    custodyKey,
    scope: 'openid email notes',
    claims: ['email'],
    routes: { '/api/': { upstream: `${apiUrl}/`, resource: apiUrl } },
    onEvent: event => event.kind === 'trouble' && console.error(event.error),
  })
  const files = await readFiles()
  const served = await serve(
    async request => (await bff(request)) ?? files(new URL(request.url).pathname),
    port,
    origin,
  )
  return {
    async close() {
      await served.close()
      await bff.close()
    },
  }
}

async function readFiles(): Promise<(path: string) => Response> {
  const read = (name: string) => readFile(join(import.meta.dirname, 'page', name), 'utf8')
  const bundle = await rolldown({ input: join(import.meta.dirname, 'page', 'app.ts'), platform: 'browser' })
  const { output } = await bundle.generate({ format: 'es', minify: true })
  await bundle.close()
  const files = new Map([
    ['/', { type: 'text/html; charset=utf-8', body: await read('index.html') }],
    ['/app.js', { type: 'text/javascript; charset=utf-8', body: output[0].code }],
    ['/style.css', { type: 'text/css; charset=utf-8', body: await read('style.css') }],
    ['/icon.svg', { type: 'image/svg+xml', body: await read('icon.svg') }],
  ])
  return path => {
    const file = files.get(path)
    const headers = { ...policies, 'content-type': file?.type ?? 'text/plain; charset=utf-8' }
    return new Response(file?.body ?? 'Nothing here', { status: file === undefined ? 404 : 200, headers })
  }
}

/** The page speaks to its own server alone. */
const policies = {
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const
