import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type ClaimsContext,
  ClaimsHookFailed,
  hookClaimsCharactersMax,
  hookClaimsMax,
  judgedHook,
  type OwnClaims,
  serverClaims,
  type StartTimer,
} from './claims-hook.ts'

const context: ClaimsContext = {
  clientId: 'shop',
  subject: 'alice',
  user: { email: 'alice@example.com', emailVerified: true, groups: ['staff'], claims: {} },
  scopes: ['openid'],
  resources: [],
  acr: null,
  amr: [],
  authTimeMs: 1,
  openedAtMs: 1,
}

const never: StartTimer = () => () => {}

function ask(own: OwnClaims, startTimer: StartTimer = never) {
  return judgedHook(own, startTimer, 1000)(context)
}

async function fails(own: OwnClaims, reason: RegExp, startTimer: StartTimer = never): Promise<void> {
  await assert.rejects(ask(own, startTimer), error => error instanceof ClaimsHookFailed && reason.test(error.message))
}

describe('the claims hook', () => {
  it('adds what it says, promised or answered, to where it says', async () => {
    const added = { kind: 'add', accessToken: { plan: 'gold' }, idToken: {} }
    assert.deepEqual(await ask(() => ({ add: { accessToken: { plan: 'gold' } } })), added)
    assert.deepEqual(await ask(() => Promise.resolve({ add: { accessToken: { plan: 'gold' } } })), added)
    assert.deepEqual(await ask(() => ({ add: {} })), { kind: 'add', accessToken: {}, idToken: {} })
    const told = await ask(({ user }) => ({ add: { idToken: { groups: user?.groups } } }))
    assert.deepEqual(told, { kind: 'add', accessToken: {}, idToken: { groups: ['staff'] } })
  })

  it('denies with a reason or without', async () => {
    assert.deepEqual(await ask(() => ({ deny: true })), { kind: 'deny', reason: 'denied by the claims hook' })
    assert.deepEqual(await ask(() => ({ deny: 'left' })), { kind: 'deny', reason: 'denied by the claims hook: left' })
  })

  it('has no say in what only the server knows', async () => {
    for (const name of serverClaims) {
      await fails(() => ({ add: { accessToken: { [name]: 'x' } } }), /only the server/)
      await fails(() => ({ add: { idToken: { [name]: 'x' } } }), /only the server/)
    }
  })

  it('fails for whatever is no ruling', async () => {
    const circle: { self?: object } = {}
    circle.self = circle
    const answers: readonly unknown[] = [
      undefined,
      null,
      'add',
      [],
      {},
      { add: null },
      { add: [] },
      { add: { accessToken: 'x' } },
      { add: { accessToken: circle } },
      { add: { accessToken: { amount: 1n } } },
      { add: { userinfo: {} } },
      { add: {}, deny: true },
      { add: {}, more: 1 },
      { deny: false },
      { deny: '' },
      { deny: {} },
      { add: { accessToken: { toJSON: () => undefined } } },
      { add: { accessToken: { toJSON: () => null } } },
      { add: { accessToken: { toJSON: () => 'text' } } },
      { add: { idToken: { toJSON: () => ({ sub: 'somebody' }) } } },
    ]
    for (const answer of answers) await fails(() => answer, /the claims hook/)
  })

  it('fails beyond its limits, and not at them', async () => {
    const named = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`c${at}`, at]))
    const sized = (characters: number) => ({ filler: 'a'.repeat(characters - '{"filler":""}'.length) })
    assert.equal((await ask(() => ({ add: { accessToken: named(hookClaimsMax) } }))).kind, 'add')
    await fails(() => ({ add: { accessToken: named(hookClaimsMax + 1) } }), /more than 50 claims/)
    assert.equal((await ask(() => ({ add: { idToken: sized(hookClaimsCharactersMax) } }))).kind, 'add')
    await fails(() => ({ add: { idToken: sized(hookClaimsCharactersMax + 1) } }), /characters/)
  })

  it('fails when it throws or rejects, and tells nothing of what it said', async () => {
    await fails(() => {
      throw new Error('db password is hunter2')
    }, /^the claims hook threw an error$/)
    await fails(() => Promise.reject(new Error('hunter2')), /^the claims hook threw an error$/)
    const thrower = {
      get add(): object {
        throw new Error('hunter2')
      },
    }
    await fails(() => thrower, /^the claims hook threw an error$/)
  })

  it('fails when its time is over, and cancels the timer when it answers', async () => {
    const asked: number[] = []
    const atOnce: StartTimer = (callback, afterMs) => {
      asked.push(afterMs)
      queueMicrotask(callback)
      return () => {}
    }
    await fails(() => new Promise(() => {}), /longer than 1000 ms/, atOnce)
    assert.deepEqual(asked, [1000])
    let cancelled = 0
    const counted: StartTimer = () => () => {
      cancelled += 1
    }
    await ask(() => ({ deny: true }), counted)
    await fails(() => 1, /no object/, counted)
    assert.equal(cancelled, 2)
  })

  it('cannot change what it answered afterwards', async () => {
    const claims = { roles: ['reader'] }
    const ruling = await ask(() => ({ add: { accessToken: claims } }))
    claims.roles.push('admin')
    assert.deepEqual(ruling, { kind: 'add', accessToken: { roles: ['reader'] }, idToken: {} })
  })
})
