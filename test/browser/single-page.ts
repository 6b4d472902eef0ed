/** A single-page application at an origin of its own: a page, the library as npm brought it, and a program of a hundred lines. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import type { PageSettings } from './single-page-app.ts'

export interface SinglePage {
  readonly origin: string
  /** `pawl client add` in words, with this application's addresses. */
  readonly registration: (clientId: string) => readonly string[]
  /** Must be said before the first page is opened. */
  readonly configure: (settings: PageSettings) => void
}

export interface SinglePagePlace {
  readonly host: string
  /** PEM; without it the page is served over http. */
  readonly certificate?: { readonly pem: string; readonly privateKey: string }
  /** Another page than that of `oidc-client-ts`, at every path. */
  readonly page?: string
}

export async function openSinglePage(test: TestContext, place: SinglePagePlace): Promise<SinglePage> {
  const { host, certificate } = place
  let settings: PageSettings | null = null
  const listener: RequestListener = (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://application.invalid')
    const [type, body] = files[pathname] ?? ['text/html; charset=utf-8', place.page ?? pageWith(settings)]
    response.setHeader('content-type', type).setHeader('cache-control', 'no-store').end(body)
  }
  const tls = certificate === undefined ? null : { cert: certificate.pem, key: certificate.privateKey }
  const server = tls === null ? createServer(listener) : createTlsServer(tls, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const origin = `${tls === null ? 'http' : 'https'}://${host}:${(server.address() as AddressInfo).port}`
  return {
    origin,
    registration: clientId => {
      const addresses = ['--redirect', `${origin}/callback`, '--post-logout-redirect', `${origin}/signed-out`]
      return ['client', 'add', clientId, '--kind', 'spa', '--name', 'Single page', ...addresses]
    },
    configure: said => {
      settings = said
    },
  }
}

const script = 'text/javascript; charset=utf-8'
const library = fileURLToPath(new URL('../browser/oidc-client-ts.min.js', import.meta.resolve('oidc-client-ts')))
const program = fileURLToPath(new URL('single-page-app.ts', import.meta.url))
const files: { readonly [path: string]: readonly [type: string, body: string] } = {
  '/oidc-client-ts.js': [script, readFileSync(library, 'utf8')],
  '/app.js': [script, stripTypeScriptTypes(readFileSync(program, 'utf8'))],
}

function pageWith(settings: PageSettings | null): string {
  const said = JSON.stringify(settings).replaceAll('<', String.raw`\u003c`)
  return `<!doctype html>
<html lang="en"><title>Single page</title>
<script id="settings" type="application/json">${said}</script>
<h1>Single page</h1>
<p id="who">One moment</p><p id="renewals"></p><p id="profile"></p><p id="problem" role="alert"></p>
<button id="sign-in">Sign in</button><button id="renew">Renew</button>
<button id="read">Read my profile</button><button id="sign-out">Sign out</button>
<script src="/oidc-client-ts.js"></script><script type="module" src="/app.js"></script>
</html>`
}

export type TokenAnswer = { readonly status: number } & { readonly [name: string]: unknown }

/** What the token endpoint answers to this page from now on, in order, as the browser gets it. */
export function watchTokens(page: Page): () => Promise<readonly TokenAnswer[]> {
  const answers: Promise<TokenAnswer>[] = []
  page.on('response', response => {
    const isToken = new URL(response.url()).pathname === '/token' && response.request().method() === 'POST'
    if (isToken) answers.push(response.json().then((told: object) => ({ ...told, status: response.status() })))
  })
  return () => Promise.all(answers)
}

export async function press(page: Page, name: 'Sign in' | 'Renew' | 'Read my profile' | 'Sign out'): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
}

/** Waits until the application says who is signed in. */
export async function sees(
  page: Page,
  words: 'Nobody is signed in' | 'Signed in as' | `Renewed ${number} times`,
): Promise<void> {
  await page.getByText(words).waitFor()
}
