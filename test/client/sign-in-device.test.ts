/** Signing in on a device through the helper of `@pawl/client`, against a whole server. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type DevicePrompt, type DeviceWishes, signInWithDevice } from '../../packages/client/src/sign-in/device.ts'
import { answerDevice, television } from '../stage/device.ts'
import { familyIdOf, rowOf, type SceneOptions } from '../stage/scene.ts'
import { openSignIn, type SignInGround, tokenRequests } from './sign-in-ground.ts'
import { failure, refusal } from './sign-in-outcomes.ts'

const scope = 'openid email offline_access'

function opened(test: TestContext, options: SceneOptions = {}): Promise<SignInGround> {
  return openSignIn(test, { client: television, ...options })
}

/** The person reads the code and answers, which takes no time. */
function answering({ clock, browser }: SignInGround, decision: 'allow' | 'deny' = 'allow') {
  return async ({ userCode }: DevicePrompt) => {
    await clock.during(() => answerDevice(browser, userCode, decision))
  }
}

function signIn(ground: SignInGround, wishes: Partial<DeviceWishes> = {}) {
  const show = answering(ground)
  return ground.run(signInWithDevice(ground.custody, { scope, show, ...wishes }))
}

function polls(ground: SignInGround): readonly (number | null)[] {
  return ground.network.requests.filter(({ to }) => to === 'token').map(({ status }) => status)
}

describe('a sign-in on a device', () => {
  it('shows a code, and brings tokens of a family that is keyed from its first token on', async test => {
    const ground = await opened(test)
    const shown: DevicePrompt[] = []
    const show = (prompt: DevicePrompt) => {
      shown.push(prompt)
      return answering(ground)(prompt)
    }
    const startedAtMs = ground.clock.nowMs()
    const fresh = await signIn(ground, { show })
    const [user] = await ground.stage.pawl.store.users.list(1)
    assert.equal(fresh.subject, user?.subject)
    const userCode = shown[0]?.userCode ?? ''
    assert.match(userCode, /^[A-Z]{4}-[A-Z]{4}$/)
    const verificationUri = `${ground.stage.issuer}/device`
    const verificationUriComplete = `${verificationUri}?user_code=${userCode}`
    const expiresAtMs = startedAtMs + 600_000
    assert.deepEqual(shown, [{ userCode, verificationUri, verificationUriComplete, expiresAtMs }])
    const family = await rowOf(ground.stage, familyIdOf(ground.stage, fresh.tokens.refresh_token ?? ''))
    assert.deepEqual([family.generation, family.keyed], [1, true])
    assert.deepEqual(polls(ground), [200])
  })

  it('asks every interval until the person has answered, and more slowly once told to', async test => {
    const ground = await opened(test)
    let userCode = ''
    const work = signInWithDevice(ground.custody, { scope, show: prompt => void (userCode = prompt.userCode) })
    const startedAtMs = ground.clock.nowMs()
    await ground.clock.advance(15_000)
    ground.network.fault('429')
    await ground.clock.advance(5000)
    await answerDevice(ground.browser, userCode)
    const fresh = await ground.run(work)
    assert.equal(fresh.tokens.scope, scope)
    const times = ground.network.requests.filter(({ to }) => to === 'token').map(({ atMs }) => atMs - startedAtMs)
    assert.deepEqual(times, [5000, 10_000, 15_000, 20_000, 30_000])
    assert.deepEqual(polls(ground), [400, 400, 400, null, 200])
  })

  it('is bound to its key from the first token on, with a nonce where the server asks for one', async test => {
    const ground = await opened(test, { settings: { dpopNonces: true } })
    const fresh = await signIn(ground, { useDpop: true })
    assert.equal(fresh.tokens.token_type, 'dpop')
    assert.deepEqual(polls(ground), [400, 200])
    const family = await rowOf(ground.stage, familyIdOf(ground.stage, fresh.tokens.refresh_token ?? ''))
    assert.equal(family.binding?.kind, 'dpop')
  })

  for (const fault of ['lose-request', 'lose-response', 'hang', '503', 'broken-json'] as const) {
    it(`goes on asking while answers are lost, and gets the same tokens: ${fault}`, async test => {
      const ground = await opened(test)
      ground.network.fault(fault, { times: 3 })
      const fresh = await signIn(ground)
      assert.equal(tokenRequests(ground), 4)
      const family = await rowOf(ground.stage, familyIdOf(ground.stage, fresh.tokens.refresh_token ?? ''))
      assert.deepEqual([family.generation, family.end], [1, null])
    })
  }

  it('gets its tokens after a machine has slept past the time of the code', async test => {
    const ground = await opened(test)
    let userCode = ''
    const work = signInWithDevice(ground.custody, { scope, show: prompt => void (userCode = prompt.userCode) })
    await ground.clock.advance(1000)
    await answerDevice(ground.browser, userCode)
    ground.network.fault('lose-response')
    await ground.clock.advance(4000)
    ground.clock.sleep(3_600_000)
    ground.network.fault('lose-request', { times: 2 })
    const fresh = await ground.run(work)
    assert.equal(fresh.tokens.scope, scope)
  })

  it('that lost the first answer asks for a code again', async test => {
    const ground = await opened(test)
    ground.network.fault('lose-response', { to: 'device_authorization', times: 2 })
    await signIn(ground)
    ground.network.fault('lose-request', { to: 'device_authorization', times: 3 })
    await assert.rejects(signIn(ground), failure('unanswered'))
  })
})

describe('a sign-in on a device that comes to nothing', () => {
  it('hears of a no', async test => {
    const ground = await opened(test)
    await assert.rejects(signIn(ground, { show: answering(ground, 'deny') }), refusal('device', 'access_denied'))
  })

  it('ends when the server says that the code is over', async test => {
    const ground = await opened(test)
    await assert.rejects(signIn(ground, { show: () => undefined }), refusal('device', 'expired_token'))
    assert.equal(tokenRequests(ground), 120)
  })

  it('ends a while after its time where the server says nothing of it, or nothing at all', async test => {
    const ground = await opened(test)
    const pending: typeof ground.network.fetch = async (url, init) =>
      url.endsWith('/token')
        ? Response.json({ error: 'authorization_pending' }, { status: 400 })
        : ground.network.fetch(url, init)
    const show = () => undefined
    const believed = signInWithDevice({ ...ground.custody, fetch: pending }, { scope, show })
    await assert.rejects(ground.run(believed), failure('expired'))
    ground.network.fault('lose-request', { times: 100 })
    await assert.rejects(signIn(ground, { show }), failure('expired'))
    assert.ok(tokenRequests(ground) < 25, String(tokenRequests(ground)))
  })

  it('ends at once when it is given up', async test => {
    const ground = await opened(test)
    const stop = new AbortController()
    const work = signInWithDevice(ground.custody, { scope, show: () => undefined, signal: stop.signal })
    await ground.clock.advance(7000)
    stop.abort()
    await assert.rejects(ground.run(work), failure('aborted'))
    assert.equal(tokenRequests(ground), 1)
  })

  it('is told what is wrong with the question', async test => {
    const ground = await opened(test)
    await assert.rejects(signIn(ground, { scope: 'openid admin' }), refusal('device', 'invalid_scope'))
    const phone = await openSignIn(test)
    const work = signInWithDevice(phone.custody, { scope, show: () => undefined })
    await assert.rejects(phone.run(work), refusal('device', 'unauthorized_client'))
    const { device_authorization_endpoint: _, ...bare } = {
      issuer: phone.stage.issuer,
      device_authorization_endpoint: '',
    }
    const none = signInWithDevice({ ...phone.custody, server: bare }, { scope, show: () => undefined })
    await assert.rejects(phone.run(none), failure('unsupported'))
  })
})
