/** The requests that a stranger would like to tell apart by how long they take, and what is sent in each. */

import assert from 'node:assert/strict'
import { registerClient } from '../../packages/server/src/admin/clients.ts'
import { newFamilyId } from '../../packages/server/src/domain/identifiers.ts'
import { keyedHasher } from '../../packages/server/src/domain/keys/keyed-hash.ts'
import { tokenCodec } from '../../packages/server/src/domain/token/codec.ts'
import { basic, type Fields } from './app.ts'
import { openFamilyOf, rowOf, type Scene, shop } from './scene.ts'

export interface Probe {
  readonly fields: Fields
  readonly authorization?: string
  /** What it is answered. */
  readonly status: number
}

/** By name. Each has several members, so that none is answered out of a cache that the others miss. */
export type Classes = ReadonlyMap<string, readonly Probe[]>

export const membersPerClass = 5

/** Sends the probe to the token endpoint and reads the answer. */
export async function send(scene: Scene, probe: Probe, address?: string): Promise<void> {
  const response = await scene.stage.send('/token', requestOf(probe), address)
  await response.arrayBuffer()
  assert.equal(response.status, probe.status)
}

export function requestOf({ fields, authorization }: Probe): RequestInit {
  const sent = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined)
  const basicHeader = authorization === undefined ? {} : { authorization }
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...basicHeader }
  return { method: 'POST', headers, body: new URLSearchParams(sent).toString() }
}

/** Tokens as a confidential client would send them; the scene's client must be one. */
export async function classesOfTokens(scene: Scene): Promise<Classes> {
  const { stage, app, registered } = scene
  const codec = tokenCodec(stage.keys)
  const [mine, others] = [basic(registered.client.id, registered.secret ?? ''), await basicOfOther(scene)]
  const classes = {
    unknown: [] as Probe[],
    spent: [] as Probe[],
    revoked: [] as Probe[],
    'wrong client': [] as Probe[],
  }
  for (let member = 0; member < membersPerClass; member++) {
    const living = await openFamilyOf(scene)
    const row = await rowOf(stage, living.familyId)
    const id = newFamilyId(stage.clock.nowMs(), stage.entropy)
    classes.unknown.push(refreshing(codec.mint('refresh_token', { ...row, id }), mine))
    classes['wrong client'].push(refreshing(living.first.refreshToken, others))
    const { first } = await openFamilyOf(scene)
    const second = await app.refresh(first.refreshToken)
    await app.refresh(second.refreshToken)
    await app.refresh(first.refreshToken)
    classes.spent.push(refreshing(first.refreshToken, mine))
    const revoked = (await openFamilyOf(scene)).first
    await app.revoke(revoked.refreshToken)
    classes.revoked.push(refreshing(revoked.refreshToken, mine))
  }
  return new Map(Object.entries(classes))
}

/** Secrets of the scene's client, and of a client that is not there. */
export function classesOfSecrets(scene: Scene): Classes {
  const { id } = scene.registered.client
  const right = scene.registered.secret ?? ''
  const hasher = keyedHasher(scene.stage.keys, scene.stage.entropy)
  const wrong = Array.from({ length: membersPerClass }, () => hasher.newSecret('client_secret').secret)
  const guesses = (client: string, secretOf: (wrong: string) => string): Probe[] =>
    wrong.map(each => ({ ...refreshing('x', basic(client, secretOf(each))), status: 401 }))
  return new Map([
    ['unknown client', guesses('sink', each => each)],
    ['wrong secret', guesses(id, each => each)],
    ['first byte right', guesses(id, each => each.slice(0, 10) + right.slice(10, 12) + each.slice(12))],
    ['all but the end right', guesses(id, () => right.slice(0, -2) + (right.endsWith('AA') ? 'BB' : 'AA'))],
  ])
}

function refreshing(refreshToken: string, authorization: string): Probe {
  return { fields: { grant_type: 'refresh_token', refresh_token: refreshToken }, authorization, status: 400 }
}

async function basicOfOther(scene: Scene): Promise<string> {
  const { client, secret } = await registerClient(scene.stage.workbench, { ...shop, id: 'vend' })
  return basic(client.id, secret ?? '')
}
