/** What costs the sender little and could cost the server much. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { systemEntropy } from '../../packages/server/src/domain/entropy.ts'
import { hashesRunningMax } from '../../packages/server/src/domain/user/hashing-limits.ts'
import { argon2Hasher, type Derive, hashingOn } from '../../packages/server/src/domain/user/password.ts'
import { repositoryFiles } from '../../tools/tidy.ts'
import { appOf, browserOf, openOffice } from '../processes/registered.ts'
import { dataDirectory, type ServerProcess, startServer } from '../processes/server-process.ts'
import { type App, basic, type Tokens } from '../stage/app.ts'
import { openPasswordPage } from '../stage/password-page.ts'
import { assertUnchanged, openFamilyOf, openScene, type Scene, shop } from '../stage/scene.ts'

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
})

/** Hashes that end at once, or, once they are held, when the test says so. */
function heldHashes() {
  const running: (() => void)[] = []
  let isHolding = false
  const derive: Derive = (_password, { tagBytes }) => {
    const tag = new Uint8Array(tagBytes).fill(1)
    return isHolding ? new Promise(resolve => running.push(() => resolve(tag))) : Promise.resolve(tag)
  }
  return {
    derive,
    running,
    hold: () => {
      isHolding = true
    },
    endOne: () => (running.shift() ?? assert.fail('none is running'))(),
  }
}

function turnOfTheLoop(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

const floodPosts = 500
const refreshesMeanwhile = 100

describe('a flood of passwords', () => {
  for (const cores of [1, 2, 4]) {
    it(`DS-12 on ${cores} cores is bounded, and refreshes are answered while every hash is held up`, async test => {
      const hashes = heldHashes()
      const hashing = { ...hashingOn(cores), derive: hashes.derive }
      const scene = await openScene(test, { hashing, app: { address: '198.51.100.7' } })
      let { refreshToken } = (await openFamilyOf(scene)).first
      const page = await openPasswordPage(scene, scene.stage.browser())
      hashes.hold()
      const statuses: number[] = []
      const posts = Array.from({ length: floodPosts }, async (_, index) => {
        const response = await page.attempt({
          username: `person${index}@example.com`,
          address: `10.0.${index >> 8}.${index & 255}`,
        })
        statuses.push(response.status)
      })
      // One refresh after the other, none of which can have waited for a hash: none of them ends.
      for (let index = 0; index < refreshesMeanwhile; index++) {
        const answer = await scene.app.refresh(refreshToken)
        assert.equal(answer.status, 200)
        refreshToken = answer.refreshToken
      }
      const within = hashing.runningMax + hashing.waitingMax
      while (statuses.length < floodPosts - within) await turnOfTheLoop()
      assert.deepEqual(new Set(statuses), new Set([503]), 'who is beyond the queue is told at once')
      assert.equal(statuses.length, floodPosts - within)
      assert.equal(hashes.running.length, Math.max(1, Math.min(hashesRunningMax, cores - 1)), 'a core is left')
      for (let ended = 0; ended < within; ended++) {
        while (hashes.running.length === 0) await turnOfTheLoop()
        assert.ok(hashes.running.length <= hashing.runningMax)
        hashes.endOne()
      }
      await Promise.all(posts)
      assert.equal(statuses.filter(status => status === 303).length, within, 'who is in the queue is answered')
    })
  }

  it('DS-12 is hashed on other threads than the one that answers', async () => {
    const hasher = argon2Hasher(systemEntropy())
    let isDone = false
    const verified = hasher.verify(hasher.dummyPhc, 'guess').finally(() => {
      isDone = true
    })
    // What this thread computes is there before the loop turns; what another one does cannot be, however quick it is.
    for (let turn = 0; turn < 1000; turn++) await Promise.resolve()
    assert.equal(isDone, false)
    assert.equal(await verified, 'wrong')
    const sources = repositoryFiles(join(import.meta.dirname, '../..')).filter(({ path }) =>
      /^packages\/\w+\/src\/.*(?<!\.test)\.ts$/.test(path),
    )
    const slowOnThisThread = /\b(?:argon2|scrypt|pbkdf2|generateKeyPair)Sync\b/
    assert.deepEqual(
      sources.filter(({ text }) => slowOnThisThread.test(text)).map(({ path }) => path),
      [],
    )
  })
})

/** A real server with one family. */
async function running(
  test: TestContext,
): Promise<{ readonly server: ServerProcess; readonly app: App; readonly first: Tokens }> {
  const data = await dataDirectory(test)
  const office = await openOffice(test, data)
  await office.addUser()
  const registered = await office.addClient({ id: 'phone', kind: 'native' })
  const server = await startServer(test, { data })
  const app = appOf(server, registered)
  return { server, app, first: await app.signIn(browserOf(server)) }
}

describe('a flood', () => {
  it('DS-07, DS-10 of requests sent ahead, or broken ones, leaves the next one its answer', async test => {
    const { server, app, first } = await running(test)
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
    await assertUnchanged(app, first)
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
