/** Who is asking: every way to pretend, at every endpoint that wants to know. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { changeClient, removeClient, rotateSecret } from '../../packages/server/src/admin/clients.ts'
import { failureDelayMsMax, failuresPerMinuteMax } from '../../packages/server/src/http/failure-delay.ts'
import { basic } from '../stage/app.ts'
import { assertUnchanged, openFamilyOf, openScene, type Scene, shop } from '../stage/scene.ts'
import { openStage } from '../stage/stage.ts'
import { notedTimers } from '../stage/timers.ts'

type Fields = { readonly [name: string]: string }

const challenge = /^Basic realm="pawl"/

/** A post by whoever: with these fields and headers, and nothing added. */
function post(scene: Scene, path: string, fields: Fields, headers: Fields = {}): Promise<Response> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(fields).toString(),
  }
  return scene.stage.send(path, init)
}

async function confidential(test: TestContext, auth: string = 'client_secret_basic'): Promise<Scene> {
  return openScene(test, { client: { ...shop, auth } })
}

/** What each endpoint that authenticates clients is asked, with a token that would be good. */
function askings(refreshToken: string, code: Fields): readonly (readonly [string, Fields])[] {
  return [
    ['/token', { grant_type: 'refresh_token', refresh_token: refreshToken }],
    ['/token', { grant_type: 'authorization_code', ...code }],
    ['/token', { grant_type: 'client_credentials' }],
    ['/revoke', { token: refreshToken }],
    ['/introspect', { token: refreshToken }],
  ]
}

async function assertInvalidClient(response: Response, about: string): Promise<string> {
  assert.equal(response.status, 401, about)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.match(response.headers.get('www-authenticate') ?? '', challenge)
  assert.match(response.headers.get('pawl-request-id') ?? '', /^req_/)
  const body = await response.text()
  assert.equal((JSON.parse(body) as { readonly error: string }).error, 'invalid_client', about)
  return body
}

async function codeOf(scene: Scene): Promise<Fields> {
  const { code, verifier } = await scene.app.authorize(scene.browser)
  return { code, code_verifier: verifier, redirect_uri: scene.app.redirectUri }
}

describe('a confidential client that proves nothing', () => {
  it('CA-01 is refused at every endpoint, and nothing has changed', async test => {
    const scene = await confidential(test)
    const { first } = await openFamilyOf(scene)
    const code = await codeOf(scene)
    for (const [path, fields] of askings(first.refreshToken, code)) {
      const about = `${path} ${fields['grant_type'] ?? ''}`
      await assertInvalidClient(await post(scene, path, { ...fields, client_id: 'shop' }), about)
      await assertInvalidClient(await post(scene, path, { ...fields, client_id: 'shop', client_secret: '' }), about)
      await assertInvalidClient(await post(scene, path, fields), about)
      await assertInvalidClient(await post(scene, path, fields, { authorization: basic('shop', '') }), about)
    }
    await assertUnchanged(scene.app, first)
    const redeemed = await post(
      scene,
      '/token',
      { grant_type: 'authorization_code', ...code },
      { authorization: basic('shop', scene.registered.secret ?? '') },
    )
    assert.equal(redeemed.status, 200, 'the code is still good')
  })

  it('CA-02 gets one answer, whether its secret or its name is wrong', async test => {
    const scene = await confidential(test)
    const { first } = await openFamilyOf(scene)
    const real = scene.registered.secret ?? ''
    const secrets = ['x', real.slice(0, -1), `${real}A`, real.toLowerCase(), swapLast(real), real.slice(8), ' ' + real]
    const bodies = new Set<string>()
    for (const [path, fields] of askings(first.refreshToken, {})) {
      for (const secret of secrets) {
        for (const id of ['shop', 'nobody']) {
          const header = await post(scene, path, fields, { authorization: basic(id, secret) })
          bodies.add(await assertInvalidClient(header, `${path} ${id} in the header`))
          const body = await post(scene, path, { ...fields, client_id: id, client_secret: secret })
          bodies.add(await assertInvalidClient(body, `${path} ${id} in the body`))
        }
      }
      bodies.add(
        await assertInvalidClient(await post(scene, path, fields, { authorization: basic('nobody', real) }), ''),
      )
    }
    assert.equal(bodies.size, 1)
    await assertUnchanged(scene.app, first)
  })

  it('CA-04 is refused by every method but the one it is registered for, with the right secret too', async test => {
    for (const auth of ['client_secret_basic', 'client_secret_post'] as const) {
      const scene = await confidential(test, auth)
      const { first } = await openFamilyOf(scene)
      const secret = scene.registered.secret ?? ''
      const asked = { grant_type: 'refresh_token', refresh_token: first.refreshToken }
      const byHeader = await post(scene, '/token', asked, { authorization: basic('shop', secret) })
      const byBody = await post(scene, '/token', { ...asked, client_id: 'shop', client_secret: secret })
      const [good, wrong] = auth === 'client_secret_basic' ? [byHeader, byBody] : [byBody, byHeader]
      assert.equal(good.status, 200)
      await assertInvalidClient(wrong, auth)
      await assertInvalidClient(await post(scene, '/token', { ...asked, client_id: 'shop' }), 'none')
    }
  })

  it('CA-04 is refused when it brings a secret to a client that has none, or two methods at once', async test => {
    const phone = await openScene(test)
    const { first } = await openFamilyOf(phone)
    const asked = { grant_type: 'refresh_token', refresh_token: first.refreshToken }
    await assertInvalidClient(await post(phone, '/token', { ...asked, client_id: 'phone', client_secret: 'x' }), 'post')
    await assertInvalidClient(await post(phone, '/token', asked, { authorization: basic('phone', 'x') }), 'basic')
    await assertInvalidClient(await post(phone, '/token', asked, { authorization: basic('phone', '') }), 'empty')
    const both = await post(
      phone,
      '/token',
      { ...asked, client_id: 'phone', client_secret: 'x' },
      {
        authorization: basic('phone', 'x'),
      },
    )
    assert.equal(both.status, 400)
    const other = await post(phone, '/token', { ...asked, client_id: 'other' }, { authorization: basic('phone', 'x') })
    assert.equal(other.status, 400)
    await assertUnchanged(phone.app, first)
  })
})

describe('a Basic header', () => {
  it('CA-05, DS-09 is refused in every malformed shape, never with a 5xx, and changes nothing', async test => {
    const scene = await confidential(test)
    const { first } = await openFamilyOf(scene)
    const secret = scene.registered.secret ?? ''
    const shapes = malformedHeaders('shop', secret)
    assert.ok(shapes.length >= 40, `${shapes.length} shapes`)
    for (const authorization of shapes) {
      for (const [path, fields] of askings(first.refreshToken, {})) {
        const response = await post(scene, path, fields, { authorization })
        const about = `${path} ${JSON.stringify(authorization.slice(0, 60))}`
        assert.ok(response.status === 401 || response.status === 400, `${response.status} for ${about}`)
        assert.ok(!(await response.text()).includes(secret), about)
      }
    }
    await assertUnchanged(scene.app, first)
  })

  it('CA-05 is read in any case of its scheme and with whatever was escaped (RFC 6749 §2.3.1, RFC 9110 §11.1)', async test => {
    const scene = await confidential(test)
    let { first } = await openFamilyOf(scene)
    const secret = scene.registered.secret ?? ''
    const escaped = [...`shop:${secret}`].map(each => (each === ':' ? ':' : `%${each.charCodeAt(0).toString(16)}`))
    const good = [
      basic('shop', secret).replace('Basic', 'bAsIc'),
      basic('shop', secret).replace('Basic ', 'Basic   '),
      `Basic ${Buffer.from(escaped.join('')).toString('base64')}`,
      basic('shop', secret).replace(/=+$/, ''),
    ]
    for (const authorization of good) {
      const asked = { grant_type: 'refresh_token', refresh_token: first.refreshToken }
      const response = await post(scene, '/token', asked, { authorization })
      assert.equal(response.status, 200, authorization)
      const { refresh_token } = (await response.json()) as { readonly refresh_token: string }
      first = { ...first, refreshToken: refresh_token }
    }
  })
})

/** Forty shapes and some. None of them is the client's own. */
function malformedHeaders(id: string, secret: string): readonly string[] {
  const of = (text: string | Buffer): string => `Basic ${Buffer.from(text).toString('base64')}`
  const right = of(`${id}:${secret}`)
  const bare = right.slice('Basic '.length)
  const texts = [
    '',
    ':',
    '::',
    id,
    `${id}:`,
    `:${secret}`,
    `${id}:%`,
    `${id}:%zz`,
    `${id}:%c3%28`,
    `%:${secret}`,
    `${id}%00:x`,
  ]
  const raw = [
    Buffer.from([0xff, 0xfe]),
    Buffer.from([0]),
    Buffer.from([0xc0, 0x80, 0x3a, 0x41]),
    Buffer.alloc(6000, 65),
  ]
  return [
    ...texts.map(of),
    ...raw.map(of),
    ...[' ', '\t', '+'].map(each => of(`${id}${each}:${secret}`)),
    ...[`${id}:${secret}:`, `${id}:${secret}\n`, `${id}:${secret}\0`, `${id}::${secret}`, ` ${id}:${secret}`].map(of),
    '',
    ' ',
    'Basic',
    'Basic ',
    'Basic =',
    'Basic ====',
    'Basic *',
    'Basic a',
    'Bearer',
    `Bearer ${bare}`,
    `Digest username="${id}"`,
    `Negotiate ${bare}`,
    `Basic${bare}`,
    `Basic,${bare}`,
    `Basic\t${bare}`,
    bare,
    `Basic "${bare}"`,
    `Basic ${bare} ${bare}`,
    `Basic ${bare}, Basic ${bare}`,
    `Basic realm="x"`,
    `${right}!`,
    `Basic ${bare}====`,
    `Basic ${bare.slice(0, 10)} ${bare.slice(10)}`,
    `Basic ${bare.slice(0, -6)}`,
    of(`${id}:${'x'.repeat(8000)}`),
    `Basic ${'A'.repeat(30_000)}`,
    of('ü:ü'),
    of(`${id}:🔑`),
    of(`🔑:${secret}`),
  ]
}

function swapLast(secret: string): string {
  return `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`
}

describe('a secret that is being replaced', () => {
  it('CA-10 is good to the last millisecond of its overlap and not after, on every server of the store at once', async test => {
    const scene = await confidential(test)
    const { stage } = scene
    const old = scene.registered.secret ?? ''
    const made = await rotateSecret(stage.workbench, 'shop', 60)
    const isGood = async (secret: string | null): Promise<boolean> => {
      const asked = await post(scene, '/introspect', { token: 'x' }, { authorization: basic('shop', secret ?? '') })
      assert.ok(asked.status === 200 || asked.status === 401)
      return asked.status === 200
    }
    assert.deepEqual([await isGood(old), await isGood(made.secret)], [true, true])
    stage.clock.advanceMs(59_999)
    assert.deepEqual([await isGood(old), await isGood(made.secret)], [true, true])
    stage.clock.advanceMs(1)
    assert.deepEqual([await isGood(old), await isGood(made.secret)], [false, true])
    const next = await rotateSecret(stage.workbench, 'shop', 0)
    assert.deepEqual([await isGood(old), await isGood(made.secret), await isGood(next.secret)], [false, false, true])
  })
})

describe('a client that goes while its refresh is under way', () => {
  for (const [how, go] of [
    ['disabled', (scene: Scene) => changeClient(scene.stage.workbench, 'shop', { disabled: true })],
    ['removed', (scene: Scene) => removeClient(scene.stage.workbench, 'shop')],
  ] as const) {
    it(`CA-11 is answered as before or not at all, and never once it is ${how}`, async test => {
      const scene = await confidential(test)
      const { app, registered } = scene
      const { first } = await openFamilyOf(scene)
      const early = Array.from({ length: 10 }, () => app.refresh(first.refreshToken))
      const gone = go(scene)
      const raced = Array.from({ length: 10 }, () => app.refresh(first.refreshToken))
      const answers = await Promise.all([...early, ...raced])
      await gone
      const good = answers.filter(answer => answer.status === 200)
      const refused = answers.filter(answer => answer.status !== 200)
      assert.ok(new Set(good.map(answer => answer.refreshToken)).size <= 1, 'two successors')
      for (const { status, body } of refused) {
        const isKnown =
          [401, 400].includes(status) && ['invalid_client', 'invalid_grant'].includes(String(body['error']))
        assert.ok(isKnown, `${status} ${JSON.stringify(body)}`)
      }
      for (const token of [first, ...good]) {
        const late = await app.refresh(token.refreshToken)
        assert.equal(late.status, 401)
        assert.equal(late.body['error'], 'invalid_client')
        assert.equal(
          (await app.userinfo(token.accessToken)).status,
          401,
          `an access token outlives it (${registered.client.id})`,
        )
      }
    })
  }
})

describe('guessing', () => {
  it('CA-14 a thousand wrong secrets from one address slow the guesser and not the good client', async test => {
    const timers = notedTimers()
    const { startTimer, delaysMs } = timers
    const scene = await openScene(test, { client: shop, startTimer })
    const { first } = await openFamilyOf(scene)
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: basic('shop', 'guess'),
    }
    const body = `grant_type=refresh_token&refresh_token=${first.refreshToken}`
    const guess = (address: string): Promise<void> =>
      scene.stage.send('/token', { method: 'POST', headers, body }, address).then(assertGuessRefused)
    const guesser = '192.0.2.250'
    await Promise.all(Array.from({ length: 1000 }, () => guess(guesser)))
    assert.equal(delaysMs.length, 1000 - failuresPerMinuteMax)
    assert.deepEqual(delaysMs.slice(0, 3), [1, 2, 3])
    assert.ok(delaysMs.slice(failureDelayMsMax).every(each => each === failureDelayMsMax))

    await Promise.all(Array.from({ length: 1000 }, (_, index) => guess(`10.1.${index >> 8}.${index & 255}`)))
    assert.equal(delaysMs.length, 1000 - failuresPerMinuteMax, 'one mistake each is no guessing')

    timers.hold()
    const waiting = guess(guesser)
    const good = scene.stage.app(scene.registered, { address: guesser })
    await assertUnchanged(good, first)
    assert.equal(delaysMs.length, 1001 - failuresPerMinuteMax, 'the guesser waits, the good client at its address not')
    timers.letGo()
    await waiting
  })
})

async function assertGuessRefused(response: Response): Promise<void> {
  assert.equal(response.status, 401)
  assert.equal(((await response.json()) as { readonly error: string }).error, 'invalid_client')
}

describe('a credential in a URL', () => {
  it('CA-15 is refused, uses nothing up, and is in no log or refusal', async test => {
    const scene = await confidential(test)
    const { stage, app, registered } = scene
    const { first } = await openFamilyOf(scene)
    const secret = registered.secret ?? ''
    const inQuery = new URLSearchParams({ refresh_token: first.refreshToken, client_id: 'shop', client_secret: secret })
    for (const path of ['/token', '/revoke', '/introspect', '/userinfo']) {
      const response = await post(
        scene,
        `${path}?${inQuery}`,
        { token: first.refreshToken },
        {
          authorization: basic('shop', secret),
        },
      )
      assert.equal(response.status, 400, path)
      const requestId = response.headers.get('pawl-request-id') ?? ''
      await stage.pawl.store.throttles.refund('nobody')
      const refusal = JSON.stringify(await stage.pawl.store.refusals.ofRequest(requestId as never))
      assert.notEqual(refusal, 'null')
      assert.ok(!refusal.includes(secret) && !refusal.includes(first.refreshToken))
    }
    await assertUnchanged(app, first)
  })

  it('CA-02 counts no client id of another deployment: its secret is worth nothing here', async test => {
    const here = await confidential(test)
    const there = await openStage({ seed: 'another deployment' })
    test.after(() => there.close())
    const foreign = await there.addClient(shop)
    const { first } = await openFamilyOf(here)
    const asked = { grant_type: 'refresh_token', refresh_token: first.refreshToken }
    await assertInvalidClient(
      await post(here, '/token', asked, { authorization: basic('shop', foreign.secret ?? '') }),
      'foreign',
    )
    await assertUnchanged(here.app, first)
  })
})
