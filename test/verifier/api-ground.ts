/** An API in front of a whole server on a stage: its guard sees the stage's clock, and asks the server itself. */

import assert from 'node:assert/strict'
import { type ApiGuard, clientSecret, guardApi, type GuardOptions, type Verdict, type World } from '@pawl/verifier'
import type { ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import type { Tokens } from '../stage/app.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import { openFamilyOf, openScene, type Scene, type SceneOptions, shop } from '../stage/scene.ts'

/** The API, as its callers and the server know it. */
export const apiUrl = 'https://api.example'
export const files = `${apiUrl}/files`

export interface ApiScene extends Scene {
  readonly api: ClientWithSecret
  readonly world: World
  /** Paths the guard asked the server for, in order. */
  readonly asked: string[]
  /** From then on nothing comes back, until it is told otherwise. */
  readonly cutOff: (isAway: boolean) => void
  readonly guard: (options?: Partial<GuardOptions>) => ApiGuard
  /** Tokens for this API. */
  readonly tokens: (fields?: { readonly [name: string]: string }, headers?: HeadersInit) => Promise<Tokens>
}

/** A server, a client whose users call the API, and the API's own client. */
export async function openApi(lifetime: Lifetime, options: SceneOptions = {}): Promise<ApiScene> {
  const scene = await openScene(lifetime, { client: shop, ...options })
  const { stage } = scene
  const api = await stage.addClient({ id: 'api', kind: 'service', audiences: [apiUrl] })
  const asked: string[] = []
  let isAway = false
  const world: World = {
    nowMs: stage.clock.nowMs,
    chance: () => 0,
    uniqueId: () => `id-${asked.length}-${stage.clock.nowMs()}`,
    wait: (_ms, signal) =>
      new Promise(resolve => {
        if (signal.aborted) return resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
      }),
    fetch: async request => {
      asked.push(new URL(request.url).pathname)
      if (isAway) throw new TypeError('the network is down')
      return stage.pawl.fetch(request, { address: '203.0.113.80' })
    },
  }
  const credentials = clientSecret('api', api.secret ?? '')
  return {
    ...scene,
    api,
    world,
    asked,
    cutOff: away => {
      isAway = away
    },
    guard: (more = {}) => {
      const guard = guardApi({ issuer: stage.issuer, audience: apiUrl, credentials, world, ...more })
      lifetime.after(() => guard.close())
      return guard
    },
    tokens: async (fields = {}, headers = {}) => {
      const wanted = { resource: apiUrl, ...fields }
      return (await openFamilyOf(scene, wanted, headers)).first
    },
  }
}

/** A request to the API with a token. */
export function call(token: string, headers: { readonly [name: string]: string } = {}, path = '/files'): Request {
  return new Request(apiUrl + path, { headers: { authorization: `Bearer ${token}`, ...headers } })
}

/** What the API answers, in short: the status, and what the challenge is about. */
export function outcome(verdict: Verdict): string {
  return verdict.granted ? 'granted' : `${verdict.status} ${verdict.code ?? 'nothing'}`
}

/** Refused, and the reason is that. */
export function assertRefused(verdict: Verdict, expected: string, reason: RegExp): void {
  assert.equal(outcome(verdict), expected)
  assert.ok(!verdict.granted)
  assert.match(verdict.reason, reason)
}
