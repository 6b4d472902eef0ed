/** What is over leaves by itself: the tables stay in proportion to what lives. The figures are those of `sql/sweep.ts`. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClientId, cutOffOf, type Subject } from '@pawl/family'
import { clientOfKind } from '../../admin/client-input.ts'
import { accessSecondsMax, lifetimeSecondsMax } from '../../admin/client-rules.ts'
import { settingsSchema } from '../../config/settings.ts'
import { interactionSeconds } from '../../oauth/authorize/interaction.ts'
import { accessTokenSecondsMax, cutOffsKeptSeconds, overKeptSeconds } from '../sql/sweep.ts'
import {
  daySeconds,
  ended,
  type Kind,
  opened,
  readFamily,
  rotated,
  type Scene,
  sceneOf,
  startMs,
} from './fixture.test.ts'
import { liveAYear } from './year.test.ts'
import { faultOfYear, untidiedRowsMax, type Week } from './year-bounds.test.ts'

export function proveSweep(kind: Kind): void {
  describe('the sweep', () => {
    proveWhoGoes(kind)
    proveConsents(kind)
    proveCutOffs(kind)
    proveProportion(kind)
  })
}

const keptMs = overKeptSeconds * 1000

/** Opens so many families that the sweep goes round the small tables of these tests, whatever it was at before. */
async function sweepOnce(scene: Scene): Promise<void> {
  for (let round = 0; round < 16; round++) {
    await Promise.all(Array.from({ length: 32 }, () => opened(scene)))
  }
}

function proveWhoGoes(kind: Kind): void {
  it('takes what ended once its last access token is dead, and not a millisecond before', async test => {
    const scene = await sceneOf(kind, test)
    const over = await ended(scene, await opened(scene))
    scene.clock.set(startMs + keptMs - 1)
    await sweepOnce(scene)
    assert.notEqual(await scene.store.families.read(over.id), null)
    scene.clock.set(startMs + keptMs)
    await sweepOnce(scene)
    assert.equal(await scene.store.families.read(over.id), null)
  })
  it('takes a code nobody redeemed and what was cut off, and leaves what lives', async test => {
    const scene = await sceneOf(kind, test)
    const { store, clock } = scene
    const code = await opened(scene, { redeemSeconds: 60 })
    const cut = await rotated(scene, await opened(scene, {}, { subject: 'user-2' as Subject }))
    const living = await rotated(scene, await opened(scene))
    const target = { kind: 'user', subject: 'user-2' as Subject } as const
    const atMs = await store.cutOffs.set({ target, reason: 'test', by: 'operator', beforeMs: null }, [])
    clock.set(atMs + keptMs - 1)
    await sweepOnce(scene)
    assert.notEqual(await store.families.read(cut.id), null)
    clock.set(startMs + 60_000 + keptMs)
    await sweepOnce(scene)
    assert.equal(await store.families.read(cut.id), null)
    assert.equal(await store.families.read(code.id), null)
    assert.deepEqual((await readFamily(store, living)).family, living)
  })
  it('takes what ended also where families are only refreshed', async test => {
    const scene = await sceneOf(kind, test)
    const over = await ended(scene, await opened(scene))
    const family = await rotated(scene, await opened(scene))
    scene.clock.advance(keptMs - 1)
    await rotated(scene, family)
    scene.clock.advance(1)
    for (let step = 0; step < 1100; step++) await rotated(scene, family)
    assert.equal(await scene.store.families.read(over.id), null)
    assert.notEqual(await scene.store.families.read(family.id), null)
  })
}

function proveConsents(kind: Kind): void {
  it('forgets what was agreed to for clients that are gone, and nothing else', async test => {
    const { store, clock } = await sceneOf(kind, test)
    const [here, gone] = ['here' as ClientId, 'gone' as ClientId]
    await store.clients.add(clientOfKind(here, { id: here, kind: 'web' }, startMs), [])
    clock.advance(1000)
    const agree = (person: Subject, clientId: ClientId) =>
      store.consents.save({ subject: person, clientId, scopes: ['openid', 'email'], givenAtMs: startMs + 1000 }, [])
    const [first, last] = ['user-000' as Subject, 'user-999' as Subject]
    for (const person of [first, last]) for (const clientId of [here, gone]) await agree(person, clientId)
    // Each pays for a look at three times its rows.
    for (let nth = 100; nth < 200; nth++) await agree(`user-${nth}` as Subject, here)
    const kept = await Promise.all(
      [first, last].flatMap(person => [here, gone].map(id => store.consents.read(person, id))),
    )
    assert.deepEqual(
      kept.map(consent => consent?.clientId ?? null),
      [here, null, here, null],
    )
  })
}

function proveCutOffs(kind: Kind): void {
  it('keeps a cut-off until whatever was there when it was set has run out, however early its moment', async test => {
    const scene = await sceneOf(kind, test)
    const { store, clock } = scene
    // Signed in long ago and authorized today: over by a cut-off of everything signed in before the day after.
    const authTimeMs = startMs - 300 * daySeconds * 1000
    const lives = { redeemSeconds: 800 * daySeconds, absoluteExpiresAtMs: startMs + lifetimeSecondsMax * 1000 }
    const family = await opened(scene, lives, { subject: 'user-2' as Subject, authTimeMs })
    const target = { kind: 'user', subject: 'user-2' as Subject } as const
    await store.cutOffs.set({ target, reason: 'test', by: 'operator', beforeMs: authTimeMs + 1 }, [])
    clock.set(startMs + lifetimeSecondsMax * 1000 - 1)
    await sweepOnce(scene)
    const reading = await store.families.read(family.id)
    assert.ok(reading === null || cutOffOf(reading.family, reading.cutOffs) !== null)
    assert.equal((await store.cutOffs.list(10)).length, 1)
    clock.set(startMs + cutOffsKeptSeconds * 1000 + 1)
    await sweepOnce(scene)
    assert.equal((await store.cutOffs.list(10)).length, 0)
  })
  it('keeps it longer than anything that can be registered lives', () => {
    assert.ok(cutOffsKeptSeconds > lifetimeSecondsMax)
    assert.ok(cutOffsKeptSeconds > (settingsSchema.shape.sessionSeconds.unwrap().maxValue ?? Number.POSITIVE_INFINITY))
    assert.ok(accessTokenSecondsMax >= accessSecondsMax)
    assert.ok(overKeptSeconds > interactionSeconds, 'a page sent again must find the family that it opened')
  })
}

function proveProportion(kind: Kind): void {
  if (!kind.persists) return
  it('keeps every table within its bound, over a year of traffic and 20,000 families', async test => {
    const scene = await sceneOf(kind, test)
    const weeks: Week[] = []
    await liveAYear(scene, { families: 20_000, days: 365, together: 50, samples: 20 }, async sample => {
      weeks.push({ ...sample, tables: await scene.tables() })
    })
    const last = weeks.at(-1)
    assert.equal(last?.opened, 20_000)
    assert.ok(last.living > 300, `${last.living} live: the year did not fill the table`)
    assert.equal(faultOfYear(weeks), null)
  })
  it('would be seen to grow', async test => {
    const { tables } = await sceneOf(kind, test)
    const empty = { day: 1, opened: 0, steps: 0, living: 10, alive: { events: 0 }, tables: await tables() }
    assert.equal(faultOfYear([empty, empty]), null)
    const grown = (name: string, rows: number, bytes: number): Week => ({
      ...empty,
      tables: { ...empty.tables, [name]: { rows, bytes } },
    })
    assert.match(String(faultOfYear([grown('families', 21, 1)])), /21 rows of families where 10 live/)
    assert.match(String(faultOfYear([grown('events', untidiedRowsMax + 1, 1)])), /rows of events where 0 may be alive/)
    assert.match(String(faultOfYear([grown('counters', 11, 1)])), /11 rows of counters, which nothing writes/)
    assert.match(String(faultOfYear([empty, grown('families', 20, 1e9)])), /the tables grew from/)
  })
}
