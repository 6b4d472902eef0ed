/**
 * What time tells. Samples of the classes are taken in turn, so that whatever else the machine does meets all of them.
 * Looked at is the faster half of each class: what lies above was interrupted by something else, and whoever attacks
 * looks there as well. Two classes count as told apart where Welch's t says so at p < 0.001 and the medians of their
 * faster halves are 50 µs or more apart: less than that, no network carries. A difference has to show three times.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { registerClient } from '../../packages/server/src/admin/clients.ts'
import { keyedHasher } from '../../packages/server/src/domain/keys/keyed-hash.ts'
import { tokenCodec } from '../../packages/server/src/domain/token/codec.ts'
import { failuresPerMinuteMax } from '../../packages/server/src/http/failure-delay.ts'
import { newFamilyId } from '../../packages/server/src/domain/identifiers.ts'
import { codeOf } from '../../tools/code-of.ts'
import { repositoryFiles } from '../../tools/tidy.ts'
import { basic, type Fields } from '../stage/app.ts'
import { openFamilyOf, openScene, rowOf, type Scene, settle, shop } from '../stage/scene.ts'

const samplesPerClass = 5000
const attemptsMax = 3
/** Two-sided, p = 0.001; with thousands of samples Student's t is the normal distribution. */
const tMax = 3.29
const medianGapMicrosecondsMax = 50
const keptShare = 0.5
/** So many different members of a class, so that none is answered out of a cache that the others miss. */
const membersPerClass = 20

interface Probe {
  readonly fields: Fields
  readonly authorization: string | null
}

type Classes = ReadonlyMap<string, readonly Probe[]>

/** Fails where two classes can be told apart in every one of the attempts. */
async function assertAlike(scene: Scene, classes: Classes, status: number): Promise<void> {
  let told: readonly string[] = []
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    told = differencesOf(await measure(scene, classes, status))
    if (told.length === 0) return
  }
  assert.deepEqual(told, [])
}

async function measure(scene: Scene, classes: Classes, status: number): Promise<ReadonlyMap<string, number[]>> {
  const times = new Map([...classes.keys()].map(name => [name, [] as number[]]))
  for (let round = 0; round < samplesPerClass; round++) {
    if (round % membersPerClass === 0) await rest(scene)
    for (const [name, probes] of classes) {
      const probe = probes[round % probes.length] as Probe
      times.get(name)?.push(await microsecondsOf(scene, probe, { status, address: addressOf(round) }))
    }
  }
  return times
}

/** A minute passes, so that no answer is held back for guessing, and what waits in the background is written. */
async function rest(scene: Scene): Promise<void> {
  scene.stage.clock.advanceSeconds(60)
  await settle(scene.stage)
}

/** In one minute each address fails a few times for each class: far below what is held back. */
function addressOf(round: number): string {
  return `192.0.2.${round % membersPerClass}`
}

async function microsecondsOf(
  scene: Scene,
  probe: Probe,
  expected: { readonly status: number; readonly address: string },
): Promise<number> {
  const { status, address } = expected
  const sent = Object.entries(probe.fields).filter((field): field is [string, string] => field[1] !== undefined)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const all = probe.authorization === null ? headers : { ...headers, authorization: probe.authorization }
  const init = { method: 'POST', headers: all, body: new URLSearchParams(sent).toString() }
  const request = new Request(`${scene.stage.issuer}/token`, init)
  const startedAt = process.hrtime.bigint()
  const response = await scene.stage.pawl.fetch(request, { address })
  const took = Number(process.hrtime.bigint() - startedAt) / 1000
  assert.equal(response.status, status)
  // What the request left for the background is done before the next one is timed.
  await new Promise<void>(resolve => setImmediate(resolve))
  return took
}

function differencesOf(times: ReadonlyMap<string, readonly number[]>): readonly string[] {
  const kept = [...times].map(([name, all]) => [name, fastest(all)] as const)
  return kept.flatMap(([name, one], at) =>
    kept.slice(at + 1).flatMap(([other, two]) => {
      const gap = Math.abs(medianOf(one) - medianOf(two))
      const t = Math.abs(welch(one, two))
      return t < tMax || gap < medianGapMicrosecondsMax
        ? []
        : [`${name} and ${other}: ${gap.toFixed(1)} µs, t ${t.toFixed(1)}`]
    }),
  )
}

/** In ascending order. */
function fastest(times: readonly number[]): readonly number[] {
  return times.toSorted((one, other) => one - other).slice(0, Math.floor(times.length * keptShare))
}

function medianOf(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Welch's t: the difference of the means in units of its own standard error. */
function welch(one: readonly number[], two: readonly number[]): number {
  const [a, b] = [momentsOf(one), momentsOf(two)]
  return (a.mean - b.mean) / Math.sqrt(a.variance / one.length + b.variance / two.length)
}

function momentsOf(values: readonly number[]): { readonly mean: number; readonly variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, variance: squares / (values.length - 1) }
}

function refreshing(refreshToken: string, authorization: string): Probe {
  return { fields: { grant_type: 'refresh_token', refresh_token: refreshToken }, authorization }
}

/** Tokens of every class that a stranger would like to tell apart, as a confidential client would send them. */
async function refusedTokens(scene: Scene): Promise<Classes> {
  const { stage, app, registered } = scene
  const codec = tokenCodec(stage.keys)
  const [mine, others] = [basic('shop', registered.secret ?? ''), await basicOfOther(scene)]
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

async function basicOfOther(scene: Scene): Promise<string> {
  const input = { ...shop, id: 'vend' }
  const { client, secret } = await registerClient(scene.stage.workbench, input)
  return basic(client.id, secret ?? '')
}

describe('the time of a refusal', () => {
  it('TM-01 tells no unknown, spent, revoked or foreign refresh token from another', async test => {
    const scene = await openScene(test, { client: shop })
    const classes = await refusedTokens(scene)
    assert.ok(membersPerClass * classes.size < failuresPerMinuteMax)
    await assertAlike(scene, classes, 400)
  })

  it('TM-02 tells no unknown client from a wrong secret, however much of it is right', async test => {
    const scene = await openScene(test, { client: shop })
    const right = scene.registered.secret ?? ''
    const { secret: wrong } = keyedHasher(scene.stage.keys, scene.stage.entropy).newSecret('client_secret')
    const nearly = right.slice(0, -2) + (right.endsWith('AA') ? 'BB' : 'AA')
    const firstByte = wrong.slice(0, 10) + right.slice(10, 12) + wrong.slice(12)
    const guess = (id: string, secret: string): Probe[] => [
      { fields: { grant_type: 'refresh_token', refresh_token: 'x' }, authorization: basic(id, secret) },
    ]
    const classes = new Map([
      ['unknown client', guess('sink', wrong)],
      ['wrong secret', guess('shop', wrong)],
      ['first byte right', guess('shop', firstByte)],
      ['all but the end right', guess('shop', nearly)],
    ])
    await assertAlike(scene, classes, 401)
  })
})

describe('a comparison', () => {
  it('TM-03 of what is secret, or a hash of it, is never left to ===', () => {
    const secret =
      /\b\w*(?:[sS]ecret|[hH]ash|[dD]igest|[tT]ag[AB]?|[sS]eed|[pP]assword|csrf)\)?\s*[!=]==\s*(?<other>[^\s;)]+)/g
    // `current` is the hash of a secret that was just proven: nothing is left to find out.
    const harmless = /^(?:null|undefined|current|server\.hasher\.dummyHash)\b/
    const sources = repositoryFiles(join(import.meta.dirname, '../..')).filter(({ path }) =>
      /^packages\/server\/src\/.*(?<!\.test)\.ts$/.test(path),
    )
    assert.ok(sources.length > 100)
    const found = sources.flatMap(({ path, text }) =>
      [...codeOf(text).matchAll(secret)]
        .filter(match => !harmless.test(match.groups?.['other'] ?? ''))
        .map(match => `${path}: ${match[0]}`),
    )
    assert.deepEqual(found, [])
    const constant = sources.filter(({ text }) => text.includes('timingSafeEqual(')).map(({ path }) => path)
    for (const home of ['domain/keys/keyed-hash', 'domain/token/codec', 'oauth/grants/authorization-code']) {
      assert.ok(constant.includes(`packages/server/src/${home}.ts`), home)
    }
  })

  it('TM-04 by a prefix leads nowhere: what is looked up is a keyed hash, which one bit turns over', async test => {
    const scene = await openScene(test)
    const hasher = keyedHasher(scene.stage.keys, scene.stage.entropy)
    const { secret, hash } = hasher.newSecret('session')
    const near = secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A')
    const other = hasher.hashOf('session', near)
    assert.ok(other !== null)
    const [one, two] = [hash, other].map(text => Buffer.from(text, 'base64url').subarray(1))
    const differing = [...(one ?? [])].filter((byte, at) => byte !== two?.[at]).length
    assert.ok(differing >= 24, `${differing} of 32 bytes differ`)
    assert.notDeepEqual(one?.subarray(0, 4), two?.subarray(0, 4))
    assert.ok(!hash.includes(secret.slice(2, 8)))
  })
})
