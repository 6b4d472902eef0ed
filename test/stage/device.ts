/** A device that signs somebody in, and the person who types its code into a browser. */

import assert from 'node:assert/strict'
import { deviceCodeGrantType } from '../../packages/server/src/domain/client/client.ts'
import { type App, type Fields, type Tokens, tokensOf } from './app.ts'
import type { Browser, BrowserPage } from './browser.ts'

/** A client as `registerClient` takes it. */
export const television = { id: 'tv', kind: 'device', name: 'Television' }

export interface AskedDevice {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

export async function askDevice(app: App, fields: Fields = {}, headers: HeadersInit = {}): Promise<AskedDevice> {
  const response = await app.post('/device_authorization', { scope: 'openid email offline_access', ...fields }, headers)
  const body = (await response.json()) as AskedDevice
  assert.equal(response.status, 200, JSON.stringify(body))
  return body
}

export async function poll(
  app: App,
  deviceCode: string,
  fields: Fields = {},
  headers: HeadersInit = {},
): Promise<Tokens> {
  const sent = { grant_type: deviceCodeGrantType, device_code: deviceCode, ...fields }
  return tokensOf(await app.post('/token', sent, headers))
}

/** The page after the code was typed: to sign in, to answer, or what is wrong with it. */
export async function typeCode(browser: Browser, userCode: string): Promise<BrowserPage> {
  return browser.submit(await browser.open('/device'), { user_code: userCode, decision: 'continue' })
}

/** Types the code, signs in where asked, and answers. */
export async function answerDevice(
  browser: Browser,
  userCode: string,
  decision: 'allow' | 'deny' = 'allow',
): Promise<BrowserPage> {
  let page = await typeCode(browser, userCode)
  if (page.body.includes('name="password"')) page = await browser.signIn(page)
  return browser.decide(page, decision)
}

export function assertPoll(answer: Tokens, error: string): void {
  assert.deepEqual([answer.status, answer.body['error']], [400, error], JSON.stringify(answer.body))
  assert.equal(answer.headers.get('cache-control'), 'no-store')
}
