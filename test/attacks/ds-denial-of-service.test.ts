/** What costs the sender little and could cost the server much. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { basic, type Tokens } from '../stage/app.ts'
import { formOf } from '../stage/browser.ts'
import { assertUnchanged, openFamilyOf, openScene, type Scene, shop } from '../stage/scene.ts'
import { appOf, browserOf, openOffice } from '../processes/registered.ts'
import { dataDirectory, type ServerProcess, startServer } from '../processes/server-process.ts'

const form = 'application/x-www-form-urlencoded'
const bodyBytesMax = 65_536

async function confidential(test: TestContext): Promise<Scene & { readonly first: Tokens }> {
  const scene = await openScene(test, { client: shop })
  return { ...scene, first: (await openFamilyOf(scene)).first }
}

function post(scene: Scene, path: string, body: string): Promise<Response> {
  const authorization = basic('shop', scene.registered.secret ?? '')
  return scene.stage.send(path, { method: 'POST', headers: { 'content-type': form, authorization }, body })
}

/** The middle of five: what it costs, whatever else the machine does. */
async function costMs(work: () => Promise<unknown>): Promise<number> {
  const costs: number[] = []
  for (let round = 0; round < 5; round++) {
    const startedMs = performance.now()
    await work()
    costs.push(performance.now() - startedMs)
  }
  return costs.toSorted((one, other) => one - other)[2] ?? 0
}

const paths = [
  '/token',
  '/revoke',
  '/introspect',
  '/userinfo',
  '/sign-in',
  '/consent',
  '/sign-out',
  '/logout',
  '/authorize',
]

describe('a request of a size that nobody needs', () => {
  it('DS-01, DS-02 is refused at every endpoint, and nothing has changed', async test => {
    const scene = await confidential(test)
    const { app, first } = scene
    const good = `grant_type=refresh_token&refresh_token=${first.refreshToken}&token=${first.refreshToken}`
    const bodies: readonly (readonly [string, number, string])[] = [
      ['a body too long', 413, `${good}&a=${'x'.repeat(bodyBytesMax)}`],
      ['thousands of parameters', 400, `${good}${Array.from({ length: 5000 }, (_, index) => `&p${index}=`).join('')}`],
      ['one more parameter than allowed', 400, `${good}${'&'.repeat(100)}`],
      ['a value too long', 400, `${good}&a=${'x'.repeat(8193)}`],
      ['a name too long', 400, `${good}&${'x'.repeat(8193)}=`],
      ['a value too long once it is decoded', 400, `${good}&a=${'%C3%A9'.repeat(4097)}`],
    ]
    for (const path of paths) {
      for (const [about, status, body] of bodies) {
        const response = await post(scene, path, body)
        assert.equal(response.status, status, `${path} with ${about}`)
        assert.equal(response.headers.get('x-frame-options'), 'DENY')
      }
    }
    await assertUnchanged(app, first)
  })

  it('DS-03 with a scope of as many words as fit is answered 400 at once', async test => {
    const scene = await confidential(test)
    const { app, browser, first } = scene
    const words = 'a '.repeat(4000)
    const distinct = Array.from({ length: 1600 }, (_, index) => index.toString(36)).join(' ')
    for (const scope of [words, distinct, `${'a'.repeat(8000)}`, ' '.repeat(8000)]) {
      const body = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: first.refreshToken,
        scope,
      }).toString()
      const answer = await post(scene, '/token', body)
      assert.equal(answer.status, 400)
      assert.ok((await costMs(() => post(scene, '/token', body))) < 25)
      const asked = await browser.open(app.authorizePath({ scope: scope.slice(0, 5000), prompt: 'none' }).path)
      assert.ok(asked.status === 400 || asked.leftTo?.searchParams.get('error') === 'invalid_scope')
    }
    const whole = await post(scene, '/token', `grant_type=refresh_token&scope=${'a+'.repeat(100_000)}`)
    assert.equal(whole.status, 413)
    await assertUnchanged(app, first)
  })

  it('DS-13 with the worst text for every pattern is read in linear time', async test => {
    const scene = await confidential(test)
    const { app, browser, stage, first } = scene
    stage.clock.advanceSeconds(1)
    const page = await browser.open(app.authorizePath({ prompt: 'login' }).path)
    const worst = [
      'a',
      '%',
      '+',
      ' ',
      '.',
      '@',
      '/',
      '\\',
      '-',
      ':',
      '"',
      ';',
      '=',
      ',',
      'é',
      'a@',
      '/../',
      ': ',
      '\t',
    ].map(text => text.repeat(Math.floor(8000 / Buffer.byteLength(text))))
    for (const text of worst) {
      const about = JSON.stringify(text.slice(0, 4))
      const inForm = async (name: string): Promise<unknown> =>
        post(
          scene,
          '/token',
          new URLSearchParams({
            grant_type: 'refresh_token',
            refresh_token: first.refreshToken,
            [name]: text,
          }).toString(),
        )
      for (const name of ['scope', 'resource', 'client_id']) {
        assert.ok((await costMs(() => inForm(name))) < 100, `${name} of ${about}`)
      }
      const short = text.slice(0, 3000)
      const asked = (name: string): Promise<unknown> => browser.send(app.authorizePath({ [name]: short }).path)
      for (const name of ['redirect_uri', 'scope', 'resource', 'claims', 'prompt', 'ui_locales', 'id_token_hint']) {
        assert.ok((await costMs(() => asked(name))) < 100, `${name} of ${about}`)
      }
      const { action, body } = formOf(page, { username: text, password: 'x' })
      const typed = (): Promise<unknown> =>
        browser.send(action, { method: 'POST', headers: { 'content-type': form }, body })
      assert.ok((await costMs(typed)) < 100, `username of ${about}`)
      const headers = Object.fromEntries(
        [
          'accept-language',
          'user-agent',
          'authorization',
          'cookie',
          'origin',
          'idempotency-key',
          'forwarded',
          'dpop',
        ].map(name => [name, [...text].map(each => (each.charCodeAt(0) > 126 ? 'x' : each)).join('')]),
      )
      const dressed = (): Promise<unknown> =>
        stage.send('/token', { method: 'POST', headers: { ...headers, 'content-type': form }, body: 'grant_type=x' })
      assert.ok((await costMs(dressed)) < 100, `headers of ${about}`)
    }
    await assertUnchanged(app, first)
  })
})

/** Five hundred posts a second. */
const tickMs = 20
const postsPerTick = 10

interface Running {
  readonly server: ServerProcess
  /** How long so many refreshes took, one after the other, the shortest first. */
  readonly refreshed: (count: number) => Promise<readonly number[]>
  /** Posts the sign-in page; answers the status. */
  readonly post: (fields: { readonly [name: string]: string }) => Promise<number>
}

/** A real server with one family, and a sign-in page that is open. */
async function running(test: TestContext): Promise<Running> {
  const data = await dataDirectory(test)
  const office = await openOffice(test, data)
  await office.addUser()
  const registered = await office.addClient({ id: 'phone', kind: 'native' })
  const server = await startServer(test, { data })
  const app = appOf(server, registered)
  let { refreshToken } = await app.signIn(browserOf(server))
  const guesser = browserOf(server)
  const { action, body } = formOf(await guesser.open(app.authorizePath({ prompt: 'login' }).path), {})
  return {
    server,
    refreshed: async count => {
      const times: number[] = []
      for (let index = 0; index < count; index++) {
        const startedMs = performance.now()
        const answer = await app.refresh(refreshToken)
        times.push(performance.now() - startedMs)
        assert.equal(answer.status, 200)
        refreshToken = answer.refreshToken
      }
      return times.toSorted((one, other) => one - other)
    },
    post: async fields => {
      const filled = new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(body)), ...fields })
      const init = { method: 'POST', headers: { 'content-type': form }, body: filled.toString() }
      const response = await guesser.send(action, init)
      await response.arrayBuffer()
      return response.status
    },
  }
}

interface Flooded {
  readonly times: readonly number[]
  readonly statuses: ReadonlyMap<number, number>
  readonly perSecond: number
}

/** Refreshes while posts come in, so many a second whatever the answers do: attackers do not wait for one another. */
async function flooded(scene: Running, fields: (index: number) => { [name: string]: string }): Promise<Flooded> {
  const statuses = new Map<number, number>()
  const posts: Promise<void>[] = []
  const postOnce = async (): Promise<void> => {
    const status = await scene.post(fields(posts.length))
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  const flood = setInterval(() => {
    for (let index = 0; index < postsPerTick; index++) posts.push(postOnce())
  }, tickMs)
  const startedMs = performance.now()
  const times = await scene.refreshed(refreshes)
  clearInterval(flood)
  const perSecond = (posts.length * 1000) / (performance.now() - startedMs)
  await Promise.all(posts)
  return { times, statuses, perSecond }
}

const refreshes = 300

function saying(about: string, { times, statuses, perSecond }: Flooded): string {
  const [p50, p99] = [0.5, 0.99].map(share => (times[Math.floor(times.length * share)] ?? 0).toFixed(1))
  const answers = [...statuses].map(([status, count]) => `${count} x ${status}`).join(', ')
  return `${about}: p50 ${p50} ms, p99 ${p99} ms, ${perSecond.toFixed(0)} posts a second (${answers})`
}

/** Twice is the aim; on two cores the clients of this test, the server and the hashing share them. */
const dearerMax = 3

function p99Of(times: readonly number[]): number {
  return times[Math.floor(times.length * 0.99)] ?? 0
}

describe('a flood', () => {
  it('DS-12 of passwords is bounded, and costs refreshes no more than a flood that hashes none', async test => {
    const scene = await running(test)
    await scene.refreshed(refreshes)
    const quiet = { times: await scene.refreshed(refreshes), statuses: new Map(), perSecond: 0 }
    // The same posts, refused before a password is looked at: what any flood of requests costs on this machine.
    const plain = await flooded(scene, () => ({ username: 'x', password: 'guess', state_token: 'x' }))
    const guessed = await flooded(scene, index => ({ username: `person${index}@example.com`, password: 'guess' }))
    for (const [about, run] of Object.entries({ quiet, plain, guessed })) test.diagnostic(saying(about, run))

    const { statuses } = guessed
    assert.ok([...statuses.keys()].every(status => [303, 429, 503].includes(status)))
    assert.ok((statuses.get(503) ?? 0) > 0, 'the queue is bounded')
    assert.ok(p99Of(guessed.times) < dearerMax * p99Of(plain.times), 'hashing takes what refreshes need')
  })

  it('DS-07, DS-10 of requests sent ahead, or broken ones, leaves the next one its answer', async test => {
    const { server, refreshed } = await running(test)
    const broken = [
      'POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n',
      'GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n',
      `GET /jwks HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(1000),
      `GET /jwks HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(40_000)}\r\n\r\n`,
    ]
    for (const bytes of broken) {
      const text = await said(server.port, bytes)
      for (const [status] of text.matchAll(/^HTTP\/1\.1 \d{3}/gm)) {
        assert.ok(['HTTP/1.1 200', 'HTTP/1.1 400', 'HTTP/1.1 431'].includes(status), status)
      }
    }
    await refreshed(3)
    assert.equal(server.stderr(), '')
  })
})

/** What the server said until it closed, or until it had nothing more to say. */
function said(port: number, bytes: string): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.end(Buffer.from(bytes, 'latin1')))
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    // A reset is one of the ways a server may close.
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}
