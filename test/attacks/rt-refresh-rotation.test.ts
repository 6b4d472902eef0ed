/** One token, several presentations: races, lost answers, thieves. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { retryKey, type Tokens } from '../stage/app.ts'
import {
  assertInvalidGrant,
  assertOver,
  assertUnchanged,
  kindsOf,
  historyOf,
  openFamilyOf,
  openScene,
  phone,
  rowOf,
  shop,
} from '../stage/scene.ts'

const racers = 50

function refreshTokensOf(answers: readonly Tokens[]): ReadonlySet<string> {
  return new Set(answers.filter(({ status }) => status === 200).map(({ refreshToken }) => refreshToken))
}

describe('parallel refreshes', () => {
  it('RT-01 answer fifty requests with one successor where the repeat window is open', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene)
    const answers = await Promise.all(Array.from({ length: racers }, () => scene.app.refresh(first.refreshToken)))
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array<number>(racers).fill(200),
    )
    assert.equal(refreshTokensOf(answers).size, 1)
    assert.equal((await rowOf(scene.stage, familyId)).generation, 2)
    const [repeats, ...others] = (await historyOf(scene.stage, familyId)).slice(1)
    assert.deepEqual([repeats?.kind, repeats?.count, others.length], ['token_repeated', racers - 1, 0])
    await assertUnchanged(scene.app, answers[racers - 1] as Tokens)
  })

  it('RT-01 answer one of fifty and end the grant where the repeat window is shut', async test => {
    const scene = await openScene(test, { client: { ...phone, repeatSeconds: 0 } })
    const { first, familyId } = await openFamilyOf(scene)
    const answers = await Promise.all(Array.from({ length: racers }, () => scene.app.refresh(first.refreshToken)))
    const good = answers.filter(({ status }) => status === 200)
    assert.equal(good.length, 1)
    for (const answer of answers) if (answer.status !== 200) assertInvalidGrant(answer)
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened', 'token_reused'])
    await assertOver(scene.app, first, ...good)
  })

  it('RT-01 gives each of two generations raced at once its own successor', async test => {
    const scene = await openScene(test, { client: shop })
    const { first } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    const both = [first, second].flatMap(({ refreshToken }) => Array<string>(racers / 2).fill(refreshToken))
    const answers = await Promise.all(both.map(token => scene.app.refresh(token)))
    const successors = refreshTokensOf(answers)
    assert.ok(successors.size <= 2, `${successors.size} successors of two generations`)
    assert.ok([...successors].every(token => token !== first.refreshToken))
  })
})

describe('a lost answer', () => {
  it('RT-04 is given again, byte for byte, through the whole repeat window', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const lost = await scene.app.refresh(first.refreshToken)
    const waits = [1, 28, 30]
    for (const seconds of waits) {
      scene.stage.clock.advanceSeconds(seconds)
      const again = await scene.app.refresh(first.refreshToken)
      assert.equal(again.status, 200)
      assert.equal(again.refreshToken, lost.refreshToken)
    }
    await assertUnchanged(scene.app, lost)
  })

  it('RT-04 reports the idle time that is left, and does not prolong it', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const lost = await scene.app.refresh(first.refreshToken)
    scene.stage.clock.advanceSeconds(59)
    const again = await scene.app.refresh(first.refreshToken)
    assert.equal(again.body['refresh_token_timeout'], Number(lost.body['refresh_token_timeout']) - 59)
    assert.equal(again.body['authorization_expires_in'], Number(lost.body['authorization_expires_in']) - 59)
  })

  it('RT-04 honours the scope of the request that repeats, not of the one that was lost', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const lost = await scene.app.refresh(first.refreshToken, { scope: 'openid' })
    const again = await scene.app.refresh(first.refreshToken, { scope: 'email' })
    assert.deepEqual([lost.body['scope'], again.body['scope']], ['openid', 'email'])
    assert.equal(again.refreshToken, lost.refreshToken)
  })

  it('RT-04 is given again to a confidential client for as long as the family lives', async test => {
    const scene = await openScene(test, { client: shop })
    const { first } = await openFamilyOf(scene)
    const lost = await scene.app.refresh(first.refreshToken)
    scene.stage.clock.advanceSeconds(29 * 86_400)
    assert.equal((await scene.app.refresh(first.refreshToken)).refreshToken, lost.refreshToken)
    await assertUnchanged(scene.app, lost)
  })
})

describe('a replay', () => {
  it('RT-05 after the window ends the grant, though the successor was never used', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene)
    const lost = await scene.app.refresh(first.refreshToken)
    scene.stage.clock.advanceSeconds(60)
    assertInvalidGrant(await scene.app.refresh(first.refreshToken))
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened', 'token_reused'])
    await assertOver(scene.app, lost, first)
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened', 'token_reused'])
  })

  it('RT-05 in the last millisecond of the window is a repeat still', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const lost = await scene.app.refresh(first.refreshToken)
    scene.stage.clock.advanceMs(59_999)
    assert.equal((await scene.app.refresh(first.refreshToken)).refreshToken, lost.refreshToken)
    scene.stage.clock.advanceMs(1)
    assertInvalidGrant(await scene.app.refresh(first.refreshToken))
    await assertOver(scene.app, lost)
  })

  it('RT-06 inside the window ends the grant once the successor was used', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    const third = await scene.app.refresh(second.refreshToken)
    scene.stage.clock.advanceSeconds(1)
    assertInvalidGrant(await scene.app.refresh(first.refreshToken))
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened', 'token_reused'])
    await assertOver(scene.app, third, second, first)
  })

  it('RT-06 of a confidential client ends the grant as well', async test => {
    const scene = await openScene(test, { client: shop })
    const { first } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    const third = await scene.app.refresh(second.refreshToken)
    assertInvalidGrant(await scene.app.refresh(first.refreshToken))
    await assertOver(scene.app, third)
  })

  it('RT-06 leaves every other grant of the user alone', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const other = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    await scene.app.refresh(second.refreshToken)
    assertInvalidGrant(await scene.app.refresh(first.refreshToken))
    await assertUnchanged(scene.app, other.first)
  })
})

describe('a thief', () => {
  const owner = { address: '203.0.113.7', userAgent: 'phone/1' }
  const thief = { address: '192.0.2.66', userAgent: 'curl/8' }

  it('RT-07 who refreshes first is locked out with the owner, and one event names who came second', async test => {
    const scene = await openScene(test, { app: owner })
    const stolen = scene.stage.app(scene.registered, thief)
    const { first, familyId } = await openFamilyOf(scene)
    const loot = await stolen.refresh(first.refreshToken)
    assert.equal(loot.status, 200)
    scene.stage.clock.advanceSeconds(61)
    assertInvalidGrant(await scene.app.refresh(first.refreshToken))
    assertInvalidGrant(await stolen.refresh(loot.refreshToken))
    await assertOver(scene.app, loot, first)
    const reuses = (await historyOf(scene.stage, familyId)).filter(({ kind }) => kind === 'token_reused')
    assert.equal(reuses.length, 1)
    const { generation, current, address, agent } = reuses[0]?.detail ?? {}
    assert.deepEqual(
      { generation, current, address, agent },
      {
        generation: 1,
        current: 2,
        address: owner.address,
        agent: owner.userAgent,
      },
    )
  })

  it('RT-07 who refreshes second ends the grant, and one event names the thief', async test => {
    const scene = await openScene(test, { app: owner })
    const stolen = scene.stage.app(scene.registered, thief)
    const { first, familyId } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    scene.stage.clock.advanceSeconds(61)
    assertInvalidGrant(await stolen.refresh(first.refreshToken))
    await assertOver(scene.app, second, first)
    const reuses = (await historyOf(scene.stage, familyId)).filter(({ kind }) => kind === 'token_reused')
    assert.deepEqual(
      reuses.map(({ count, detail }) => [count, detail['generation'], detail['address'], detail['agent']]),
      [[1, 1, thief.address, thief.userAgent]],
    )
  })

  it('RT-07 who makes up a retry key for a keyed family moves on once, and is caught by the owner', async test => {
    const scene = await openScene(test, { app: owner })
    const stolen = scene.stage.app(scene.registered, thief)
    const { first } = await openFamilyOf(scene, {}, retryKey('code'))
    const loot = await stolen.refresh(first.refreshToken, {}, retryKey('made up'))
    assert.equal(loot.status, 200)
    assertInvalidGrant(await scene.app.refresh(first.refreshToken, {}, retryKey('first')))
    assertInvalidGrant(await stolen.refresh(loot.refreshToken, {}, retryKey('made up again')))
  })
})
