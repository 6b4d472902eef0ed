/** Refreshes under pressure: in a loop, while everything is being cut off, and while the store or the keys fail. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { carryOut, planRevocation } from '../../packages/server/src/admin/revoke.ts'
import type { Tokens } from '../stage/app.ts'
import { openStage } from '../stage/stage.ts'
import {
  assertInvalidGrant,
  assertOver,
  assertUnchanged,
  databaseFor,
  historyOf,
  kindsOf,
  type Opened,
  openFamilyOf,
  openScene,
  rowOf,
} from '../stage/scene.ts'

describe('a client in a loop', () => {
  it('RT-41 is told to wait beyond the limit of a second, and loses nothing', async test => {
    const scene = await openScene(test, { settings: { refreshesPerSecondMax: 10 } })
    const { first, familyId } = await openFamilyOf(scene)
    let current = first
    for (let times = 0; times < 10; times++) current = await assertUnchanged(scene.app, current)
    for (const refreshToken of [current.refreshToken, first.refreshToken]) {
      const answer = await scene.app.refresh(refreshToken)
      assert.deepEqual([answer.status, answer.body['error']], [429, 'slow_down'])
      assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d?$/)
      assert.equal(answer.headers.get('cache-control'), 'no-store')
    }
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened'])
    const other = await openFamilyOf(scene)
    await assertUnchanged(scene.app, other.first)
    scene.stage.clock.advanceSeconds(1)
    await assertUnchanged(scene.app, current)
  })

  it('RT-41 that repeats one token without end is told to wait, and nothing ends', async test => {
    const scene = await openScene(test, { settings: { repeatsMax: 3 } })
    const { first, familyId } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    for (let times = 0; times < 3; times++) {
      assert.equal((await scene.app.refresh(first.refreshToken)).refreshToken, second.refreshToken)
    }
    const answer = await scene.app.refresh(first.refreshToken)
    assert.deepEqual([answer.status, answer.body['error']], [429, 'slow_down'])
    assert.ok(Number(answer.headers.get('retry-after')) < 60, 'come back while the window is open')
    const [, ...events] = await historyOf(scene.stage, familyId)
    assert.deepEqual(
      events.map(({ kind, count }) => [kind, count]),
      [['token_repeated', 3]],
    )
    await assertUnchanged(scene.app, second)
  })
})

describe('a revocation of everything', () => {
  it('RT-38 ends each family before or after a refresh, never in between, and every answer on its way', async test => {
    const scene = await openScene(test)
    const { app, stage } = scene
    const families: Opened[] = []
    while (families.length < 20) families.push(await openFamilyOf(scene))
    let acknowledged = false
    const late: Tokens[] = []

    async function goOn(from: Tokens): Promise<Tokens> {
      let held = from
      for (let times = 0; times < 500; times++) {
        const startedLate = acknowledged
        const answer = await app.refresh(held.refreshToken)
        if (startedLate) late.push(answer)
        if (answer.status !== 200) return held
        held = answer
      }
      throw new Error('the cut-off never came')
    }

    const going = families.map(({ first }) => goOn(first))
    const plan = await planRevocation(stage.workbench, { all: true })
    const result = await carryOut(stage.workbench, plan)
    acknowledged = true
    const held = await Promise.all(going)
    for (const answer of late) assertInvalidGrant(answer)
    assert.equal(result.families, families.length)
    await assertOver(app, ...held)
    for (const { familyId } of families) {
      assert.deepEqual((await rowOf(stage, familyId)).end?.reason, 'cut_off_everyone')
      assert.deepEqual(await kindsOf(stage, familyId), ['family_opened', 'family_ended'])
    }
    const after = await openFamilyOf({ ...scene, browser: stage.browser() })
    await assertUnchanged(app, after.first)
  })
})

describe('a failure of ours', () => {
  it('burns nothing while the signing keys cannot be read: the same token works afterwards (I6, I14)', async test => {
    const database = await databaseFor(test)
    const scene = await openScene(test, { database })
    const { first, familyId } = await openFamilyOf(scene)
    const before = await rowOf(scene.stage, familyId)
    scene.stage.clock.advanceSeconds(3600)
    await database.run('ALTER TABLE signing_keys RENAME TO signing_keys_hidden')
    const failed = await scene.app.refresh(first.refreshToken)
    assert.ok(failed.status >= 500, String(failed.status))
    assert.deepEqual(await rowOf(scene.stage, familyId), before)
    await database.run('ALTER TABLE signing_keys_hidden RENAME TO signing_keys')
    await assertUnchanged(scene.app, first)
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened'])
  })

  it('burns nothing where the commit itself fails, not even a token that is being caught (I6, I14)', async test => {
    const database = await databaseFor(test)
    const scene = await openScene(test, { database })
    const { first, familyId } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    const before = await rowOf(scene.stage, familyId)
    const mend = await database.breakUpdates('families')
    scene.stage.clock.advanceSeconds(60)
    for (const { refreshToken } of [second, first]) {
      const failed = await scene.app.refresh(refreshToken)
      assert.ok(failed.status >= 500, String(failed.status))
      assert.equal(failed.refreshToken, '')
      assert.deepEqual(await rowOf(scene.stage, familyId), before)
    }
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened'])
    await mend()
    await assertUnchanged(scene.app, second)
  })

  it('says 503 and when to come back while the store is away, and is forgotten when it is there again', async test => {
    const database = await databaseFor(test)
    const before = await openScene(test, { database })
    const { first } = await openFamilyOf(before)
    await before.stage.pawl.store.close()
    const away = await before.app.refresh(first.refreshToken)
    assert.deepEqual([away.status, away.body['error']], [503, 'temporarily_unavailable'])
    assert.match(away.headers.get('retry-after') ?? '', /^[1-9]\d?$/)
    const after = await openStage({ database, keys: before.stage.keys, seed: 'after' })
    test.after(() => after.close())
    await assertUnchanged(after.app(before.registered), first)
  })

  it('RT-35 is not even met by garbage: a forged token is refused without asking for its family', async test => {
    const database = await databaseFor(test)
    const scene = await openScene(test, { database })
    const { first } = await openFamilyOf(scene)
    await database.run('ALTER TABLE families RENAME TO families_hidden')
    const last = first.refreshToken.at(-43) === 'A' ? 'B' : 'A'
    const forged = first.refreshToken.slice(0, -43) + last + first.refreshToken.slice(-42)
    assertInvalidGrant(await scene.app.refresh(forged))
    assertInvalidGrant(await scene.app.refresh('garbage'))
    assert.ok((await scene.app.refresh(first.refreshToken)).status >= 500, 'a genuine one is looked up')
    await database.run('ALTER TABLE families_hidden RENAME TO families')
    await assertUnchanged(scene.app, first)
  })
})
