/** Clients that come by themselves: they register over the wire, or publish a document on a web server of their own. */

import assert from 'node:assert/strict'
import type { ClientId } from '@pawl/family'
import type { Client } from '../../packages/server/src/domain/client/client.ts'
import { openSite, type Site } from '../../packages/server/src/outbound/fixture.test.ts'
import type { App, AppOptions } from './app.ts'
import type { Ground } from './browser.ts'
import type { Lifetime } from './lifetime.ts'
import type { Stage } from './stage.ts'

export interface JsonAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: { readonly [name: string]: unknown }
}

export interface Members {
  readonly [name: string]: unknown
}

export const appRedirect = 'https://app.example/cb'

/** Posts metadata as it is, or text that may be none. */
export async function register(
  stage: Ground,
  metadata: Members | string,
  options: { readonly token?: string; readonly address?: string; readonly contentType?: string } = {},
): Promise<JsonAnswer> {
  const { token, address, contentType = 'application/json' } = options
  const body = typeof metadata === 'string' ? metadata : JSON.stringify(metadata)
  const headers = { 'content-type': contentType, ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  return answerOf(await stage.send('/register', { method: 'POST', headers, body }, address))
}

/** Registers a client that must be taken. */
export async function registered(
  stage: Ground,
  metadata: Members = {},
  options: { readonly token?: string } = {},
): Promise<Members> {
  const { status, body } = await register(stage, { redirect_uris: [appRedirect], ...metadata }, options)
  assert.equal(status, 201, JSON.stringify(body))
  return body
}

/** Reads, replaces or deletes the registration that these members are of. */
export async function manage(
  stage: Ground,
  method: 'GET' | 'PUT' | 'DELETE',
  members: Members,
  changes: { readonly token?: string; readonly metadata?: Members } = {},
): Promise<JsonAnswer> {
  const url = new URL(String(members['registration_client_uri']))
  const token = changes.token ?? String(members['registration_access_token'])
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const body = method === 'PUT' ? JSON.stringify(changes.metadata ?? members) : null
  return answerOf(await stage.send(url.pathname + url.search, { method, headers, body }))
}

/** The client as the store has it; it must be there. */
export async function clientOf(stage: Stage, id: unknown): Promise<Client> {
  const reading = await stage.pawl.store.clients.read(String(id) as ClientId)
  assert.ok(reading !== null, `there is no client ${String(id)}`)
  return reading.client
}

/** The application behind a registration, or behind a document that the server has read. */
export async function appOf(stage: Stage, members: Members, options?: AppOptions): Promise<App> {
  const { client_id: id, client_secret: secret } = members
  return stage.app({ client: await clientOf(stage, id), secret: typeof secret === 'string' ? secret : null }, options)
}

export interface Publisher {
  readonly site: Site
  /** The client id: where the document is. */
  readonly id: string
  /** What the next request gets. */
  readonly answer: { status: number; headers: { [name: string]: string }; body: string }
  /** Publishes metadata under the id. */
  readonly publish: (members?: Members) => void
}

/** A web server that publishes one client, over https as `rp.example`. It closes with the test. */
export async function openPublisher(lifetime: Lifetime, scheme: 'http' | 'https' = 'http'): Promise<Publisher> {
  const answer = {
    status: 200,
    headers: { 'content-type': 'application/json' } as { [name: string]: string },
    body: '',
  }
  const site = await openSite(
    (_, response) => response.writeHead(answer.status, answer.headers).end(answer.body),
    scheme,
  )
  lifetime.after(() => site.close())
  const id = `${site.origin}/client.json`
  const publish = (members: Members = {}) => {
    const redirects = { redirect_uris: ['http://127.0.0.1/cb'], grant_types: ['authorization_code', 'refresh_token'] }
    answer.body = JSON.stringify({ client_id: id, client_name: 'Tide Tables', ...redirects, ...members })
  }
  publish()
  return { site, id, answer, publish }
}

async function answerOf(response: Response): Promise<JsonAnswer> {
  const text = await response.text()
  const body = text === '' ? {} : (JSON.parse(text) as Members)
  return { status: response.status, headers: response.headers, body }
}
