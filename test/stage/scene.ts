/** Most stories begin where a person has signed in and an application holds its first tokens. */

import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { Family, FamilyId } from '@pawl/family'
import type { ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import type { EventKind, RecordedEvent } from '../../packages/server/src/domain/event/event.ts'
import { tokenCodec } from '../../packages/server/src/domain/token/codec.ts'
import type { App, AppOptions, Fields, Tokens } from './app.ts'
import type { Browser } from './browser.ts'
import { openDatabase, type TestDatabase } from './database.ts'
import type { Lifetime } from './lifetime.ts'
import { openStage, type Stage, type StageOptions } from './stage.ts'

/** A public client, whose users' tokens are bare unless it sends retry keys. */
export const phone = { id: 'phone', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] }
/** A confidential one. */
export const shop = { id: 'shop', kind: 'web', redirectUris: ['https://shop.example/cb'] }

export interface SceneOptions extends StageOptions {
  /** As `registerClient` takes it; `phone` unless named. */
  readonly client?: { readonly id: string; readonly kind: string; readonly [name: string]: unknown }
  readonly app?: AppOptions
}

export interface Scene {
  readonly stage: Stage
  readonly registered: ClientWithSecret
  readonly app: App
  readonly browser: Browser
}

export interface Opened {
  readonly first: Tokens
  readonly familyId: FamilyId
}

/** A server with one user and one client. It closes with the test. */
export async function openScene(lifetime: Lifetime, options: SceneOptions = {}): Promise<Scene> {
  const stage = await openStage(options)
  lifetime.after(() => stage.close())
  await stage.addUser()
  const registered = await stage.addClient(options.client ?? phone)
  return { stage, registered, app: stage.app(registered, options.app), browser: stage.browser() }
}

/** A database that goes with the test: for stages that end and come back, or are looked at from outside. */
export async function databaseFor(lifetime: Lifetime): Promise<TestDatabase> {
  const database = await openDatabase()
  lifetime.after(() => database.drop())
  return database
}

/** A new family of the scene's user and client, in generation 1. */
export async function openFamilyOf(scene: Scene, fields?: Fields, headers?: HeadersInit): Promise<Opened> {
  const { app, browser, stage } = scene
  const first = await app.redeem(await app.authorize(browser, fields), {}, headers)
  assert.equal(first.status, 200, JSON.stringify(first.body))
  return { first, familyId: familyIdOf(stage, first.refreshToken) }
}

export function familyIdOf(stage: Stage, refreshToken: string): FamilyId {
  const presented = tokenCodec(stage.keys).parse('refresh_token', refreshToken)
  assert.ok(presented !== null, 'no refresh token of this stage')
  return presented.familyId
}

export async function rowOf(stage: Stage, familyId: FamilyId): Promise<Family> {
  const reading = await stage.pawl.store.families.read(familyId)
  assert.ok(reading !== null, `no family ${familyId}`)
  return reading.family
}

/** What the log has on a family, oldest first, once what was still on its way in the background is there. */
export async function historyOf(stage: Stage, familyId: FamilyId): Promise<readonly RecordedEvent[]> {
  await settle(stage)
  const events = await stage.pawl.store.events.ofFamily(familyId, 100)
  return events.toSorted((one, other) => one.atMs - other.atMs || rank(one) - rank(other))
}

/** The stage's clock stands still: of one instant, the opening came first. */
function rank(event: RecordedEvent): number {
  return event.kind === 'family_opened' ? 0 : 1
}

export async function kindsOf(stage: Stage, familyId: FamilyId): Promise<readonly EventKind[]> {
  return (await historyOf(stage, familyId)).map(event => event.kind)
}

/** Whatever can move without us has moved on, and what was left to the background is there. */
export async function settle(stage: Stage): Promise<void> {
  await setImmediate()
  await stage.pawl.settled()
}

/** The family goes on: its current token is good for a next one. */
export async function assertUnchanged(app: App, current: Tokens, headers?: HeadersInit): Promise<Tokens> {
  const next = await app.refresh(current.refreshToken, {}, headers)
  assert.equal(next.status, 200, `the family does not go on: ${JSON.stringify(next.body)}`)
  assert.notEqual(next.refreshToken, current.refreshToken)
  return next
}

/** The family is over, and so is every access token of it. */
export async function assertOver(app: App, ...held: readonly Tokens[]): Promise<void> {
  for (const tokens of held) {
    assertInvalidGrant(await app.refresh(tokens.refreshToken))
    assert.equal((await app.userinfo(tokens.accessToken)).status, 401)
  }
}

export function assertInvalidGrant(answer: Tokens): void {
  assert.equal(answer.status, 400)
  assert.equal(answer.body['error'], 'invalid_grant')
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.match(answer.requestId, /^req_/)
}
