/** Every verdict of the table over the wire: its answer, its events (I12), and what `explain` makes of its request id. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { registerClient } from '../../packages/server/src/admin/clients.ts'
import { explain } from '../../packages/server/src/admin/explain.ts'
import { tokenCodec } from '../../packages/server/src/domain/token/codec.ts'
import { retryKey, type Tokens } from '../stage/app.ts'
import type { Stage } from '../stage/stage.ts'
import {
  assertInvalidGrant,
  assertOver,
  assertUnchanged,
  familyIdOf,
  historyOf,
  openFamilyOf,
  openScene,
  phone,
  rowOf,
  type Scene,
} from '../stage/scene.ts'

/** What happened to the family since it was opened, with how often. */
async function toldOf(stage: Stage, familyId: Parameters<typeof historyOf>[1]) {
  const [opened, ...rest] = await historyOf(stage, familyId)
  assert.deepEqual([opened?.kind, opened?.count], ['family_opened', 1])
  return rest.map(({ kind, count }) => `${kind} ${count}`)
}

/** All sentences under a request id, on one line. */
async function explained(stage: Stage, answer: Tokens): Promise<string> {
  await historyOf(stage, familyIdOfNobody)
  const { explanation } = await explain(stage.workbench, answer.requestId)
  return [explanation.title, ...explanation.sentences].join(' ')
}

const familyIdOfNobody = '01890000-0000-7000-8000-000000000000' as Parameters<typeof historyOf>[1]

function assertSays(text: string, ...words: readonly (string | RegExp)[]): void {
  for (const word of words) {
    const isSaid = typeof word === 'string' ? text.includes(word) : word.test(text)
    assert.ok(isSaid, `${JSON.stringify(String(word))} is not in: ${text}`)
  }
}

describe('a verdict', () => {
  it('advanced leaves no event but the count on its row', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene)
    await assertUnchanged(scene.app, await assertUnchanged(scene.app, first))
    assert.deepEqual(await toldOf(scene.stage, familyId), [])
    assert.equal((await rowOf(scene.stage, familyId)).generation, 3)
  })

  it('repeated is counted in one event for each generation', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    for (let times = 0; times < 3; times++) await scene.app.refresh(first.refreshToken)
    await scene.app.refresh(second.refreshToken)
    await scene.app.refresh(second.refreshToken)
    assert.deepEqual((await toldOf(scene.stage, familyId)).toSorted(), ['token_repeated 1', 'token_repeated 3'])
  })

  it('stale refuses an old token shown with its own retry key, ends nothing and is counted', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene, {}, retryKey('code'))
    const second = await scene.app.refresh(first.refreshToken, {}, retryKey('1'))
    const third = await scene.app.refresh(second.refreshToken, {}, retryKey('2'))
    const answers = [1, 2].map(() => scene.app.refresh(first.refreshToken, {}, retryKey('1')))
    const [once, twice] = (await Promise.all(answers)) as [Tokens, Tokens]
    for (const answer of [once, twice]) assertInvalidGrant(answer)
    assert.deepEqual(await toldOf(scene.stage, familyId), ['token_stale 2'])
    for (const answer of [once, twice]) {
      assertSays(await explained(scene.stage, answer), '2027-03-02T12:00:00.000Z', 'client phone', 'generation 1')
    }
    await assertUnchanged(scene.app, third, retryKey('3'))
  })

  it('stale refuses a code sent again with its retry key; without one it is refused the same and ends nothing', async test => {
    const scene = await openScene(test)
    const authorization = await scene.app.authorize(scene.browser)
    const first = await scene.app.redeem(authorization, {}, retryKey('code'))
    const familyId = familyIdOf(scene.stage, first.refreshToken)
    assertInvalidGrant(await scene.app.redeem(authorization, {}, retryKey('code')))
    assertInvalidGrant(await scene.app.redeem(authorization))
    assert.deepEqual((await toldOf(scene.stage, familyId)).toSorted(), ['retry_key_missing 1', 'token_stale 1'])
    await assertUnchanged(scene.app, first, retryKey('1'))
  })

  it('reused follows an old token shown with a made-up retry key, also one generation old', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene, {}, retryKey('code'))
    const second = await scene.app.refresh(first.refreshToken, {}, retryKey('1'))
    const answer = await scene.app.refresh(first.refreshToken, {}, retryKey('made up'))
    assertInvalidGrant(answer)
    assert.deepEqual(await toldOf(scene.stage, familyId), ['token_reused 1'])
    assertInvalidGrant(await scene.app.refresh(second.refreshToken, {}, retryKey('2')))
  })

  it('reused says who, when, from where, which generation and why', async test => {
    const scene = await openScene(test, { app: { address: '192.0.2.66', userAgent: 'curl/8' } })
    const { first, familyId } = await openFamilyOf(scene)
    const third = await assertUnchanged(scene.app, await assertUnchanged(scene.app, first))
    scene.stage.clock.advanceMs(1500)
    const answer = await scene.app.refresh(first.refreshToken)
    assertInvalidGrant(answer)
    assert.deepEqual(await toldOf(scene.stage, familyId), ['token_reused 1'])
    const text = await explained(scene.stage, answer)
    const { subject } = (await rowOf(scene.stage, familyId)).grant
    assertSays(text, '2027-03-02T12:00:01.500Z', 'client phone', `user ${subject}`, '192.0.2.66', 'curl/8')
    assertSays(
      text,
      'refresh token of generation 1',
      'stood at generation 3',
      /2 generations old/,
      /theft|thief|stolen/i,
    )
    const echo = await scene.app.refresh(third.refreshToken)
    assertSays(await explained(scene.stage, echo), '2027-03-02T12:00:01.500Z', 'generation 1')
    assert.deepEqual(await toldOf(scene.stage, familyId), ['token_reused 1'], 'an echo of the end is no event')
    await assertOver(scene.app, third)
  })

  for (const [reuseEnds, survives] of [
    ['family', true],
    ['grant', true],
    ['session', false],
    ['consent', false],
  ] as const) {
    it(`reused ends the ${reuseEnds} where the client says so, and no more`, async test => {
      const scene = await openScene(test, { client: { ...phone, reuseEnds } })
      const { first, familyId } = await openFamilyOf(scene)
      const sibling = await openFamilyOf(scene)
      scene.stage.clock.advanceSeconds(1)
      const elsewhere = await openFamilyOf({ ...scene, browser: scene.stage.browser() })
      const second = await scene.app.refresh(first.refreshToken)
      await scene.app.refresh(second.refreshToken)
      assertInvalidGrant(await scene.app.refresh(first.refreshToken))
      if (survives) await assertUnchanged(scene.app, sibling.first)
      else await assertOver(scene.app, sibling.first)
      if (reuseEnds === 'consent') await assertOver(scene.app, elsewhere.first)
      else await assertUnchanged(scene.app, elsewhere.first)
      assert.deepEqual(await toldOf(scene.stage, familyId), ['token_reused 1'])
    })
  }

  it('refused for want of its retry key changes nothing and is counted', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene, {}, retryKey('code'))
    const before = await rowOf(scene.stage, familyId)
    const answer = await scene.app.refresh(first.refreshToken)
    assertInvalidGrant(answer)
    assertInvalidGrant(await scene.app.refresh(first.refreshToken, {}, { 'idempotency-key': '"something-else"' }))
    assert.deepEqual(await rowOf(scene.stage, familyId), before)
    assert.deepEqual(await toldOf(scene.stage, familyId), ['retry_key_missing 2'])
    assertSays(await explained(scene.stage, answer), 'client phone', 'generation 1', 'retry key')
    await assertUnchanged(scene.app, first, retryKey('1'))
  })

  it('refused for a generation ahead of its row changes nothing and raises the alarm', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene)
    const row = await rowOf(scene.stage, familyId)
    const ahead = tokenCodec(scene.stage.keys).mint('refresh_token', { ...row, generation: 7 })
    const answer = await scene.app.refresh(ahead)
    assertInvalidGrant(answer)
    assert.deepEqual(await toldOf(scene.stage, familyId), ['token_ahead 1'])
    assertSays(await explained(scene.stage, answer), 'generation 7', 'generation 1', /backup|restored/)
    await assertUnchanged(scene.app, first)
  })

  it('refused for expiry stores the end once, and explain says why it was over', async test => {
    const scene = await openScene(test, { client: { ...phone, idleSeconds: 60, absoluteSeconds: 3600 } })
    const { first, familyId } = await openFamilyOf(scene)
    scene.stage.clock.advanceSeconds(60)
    const answers = [await scene.app.refresh(first.refreshToken), await scene.app.refresh(first.refreshToken)]
    for (const answer of answers) {
      assertInvalidGrant(answer)
      assertSays(await explained(scene.stage, answer), 'client phone', 'generation 1', '2027-03-02T12:01:00.000Z')
    }
    assert.deepEqual(await toldOf(scene.stage, familyId), ['family_ended 1'])
  })

  it('refused for the wrong client tells the operator whose token it was and who sent it', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const redirectUris = ['https://other.example/cb']
    const registered = await registerClient(scene.stage.workbench, { id: 'other', kind: 'web', redirectUris })
    const answer = await scene.stage.app(registered).refresh(first.refreshToken)
    assertInvalidGrant(answer)
    assertSays(await explained(scene.stage, answer), 'phone', 'other', /generation:? 1/, /another client|wrong client/)
  })
})

describe('an invalid refresh token', () => {
  it('gets one status, one body and one set of headers, whatever is wrong with it (I10)', async test => {
    const scene = await openScene(test, {
      client: { ...phone, repeatSeconds: 0, idleSeconds: 60, absoluteSeconds: 3600 },
    })
    const answers = await everyInvalidToken(scene)
    const shapes = new Map<string, string[]>()
    for (const [name, answer] of answers) {
      const headers = [...answer.headers].filter(([header]) => header !== 'pawl-request-id')
      const shape = JSON.stringify([answer.status, answer.body, headers])
      shapes.set(shape, [...(shapes.get(shape) ?? []), name])
    }
    assert.ok(answers.size >= 12)
    assert.equal(shapes.size, 1, JSON.stringify([...shapes], null, 1))
    assert.equal(new Set([...answers.values()].map(({ requestId }) => requestId)).size, answers.size)
    for (const answer of answers.values()) assertInvalidGrant(answer)
  })

  it('is explained, each kind of it, to the operator alone', async test => {
    const scene = await openScene(test, {
      client: { ...phone, repeatSeconds: 0, idleSeconds: 60, absoluteSeconds: 3600 },
    })
    for (const [name, answer] of await everyInvalidToken(scene)) {
      const text = await explained(scene.stage, answer)
      assert.ok(text.length > 60, `${name}: ${text}`)
      assert.match(text, /2027-03-02T12:/, name)
      assert.match(text, /phone|other/, name)
      assert.doesNotMatch(text, /pawl_rt_/, name)
    }
  })
})

async function everyInvalidToken(scene: Scene): Promise<ReadonlyMap<string, Tokens>> {
  const { app, stage } = scene
  const codec = tokenCodec(stage.keys)
  const found = new Map<string, Tokens>()
  const { first, familyId } = await openFamilyOf(scene)
  const row = await rowOf(stage, familyId)
  const waiting = await app.authorize(scene.browser)
  const redirectUris = ['http://127.0.0.1/cb']
  const other = stage.app(await registerClient(stage.workbench, { id: 'other', kind: 'native', redirectUris }))
  found.set('garbage', await app.refresh('garbage'))
  found.set('a damaged token', await app.refresh(`${first.refreshToken.slice(0, -1)}!`))
  found.set('a forged tag', await app.refresh(`${first.refreshToken.slice(0, -43)}${'A'.repeat(43)}`))
  found.set('another seed', await app.refresh(codec.mint('refresh_token', { ...row, seed: new Uint8Array(32) })))
  const unknown = { ...row, id: familyIdOfNobody, generation: 1 }
  found.set('an unknown family', await app.refresh(codec.mint('refresh_token', unknown)))
  found.set('an access token', await app.refresh(first.accessToken))
  found.set('a code', await app.refresh(waiting.code))
  found.set('the wrong client', await other.refresh(first.refreshToken))
  found.set('ahead of its row', await app.refresh(codec.mint('refresh_token', { ...row, generation: 9 })))
  const keyed = await openFamilyOf(scene, {}, retryKey('code'))
  found.set('without its retry key', await app.refresh(keyed.first.refreshToken))
  await app.refresh(first.refreshToken)
  found.set('spent', await app.refresh(first.refreshToken))
  found.set('ended', await app.refresh(first.refreshToken))
  const revoked = await openFamilyOf(scene)
  await app.revoke(revoked.first.refreshToken)
  found.set('revoked', await app.refresh(revoked.first.refreshToken))
  const asleep = await openFamilyOf(scene)
  // Each cut-off moves the store's time on by a millisecond.
  stage.clock.advanceSeconds(61)
  found.set('expired', await app.refresh(asleep.first.refreshToken))
  const cut = await openFamilyOf(scene)
  const target = { kind: 'client', clientId: scene.registered.client.id } as const
  await stage.pawl.store.cutOffs.set({ target, reason: 'test', by: 'stage', beforeMs: null }, [])
  found.set('cut off', await app.refresh(cut.first.refreshToken))
  return found
}
