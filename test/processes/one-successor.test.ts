/** One token, many requests at once, one process and several: there is one successor or the family is over (I1). */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { App, Tokens } from '../stage/app.ts'
import { openOffice, appOf, browserOf } from './registered.ts'
import { dataDirectory, type ServerProcess, startServer } from './server-process.ts'
import { stablePort } from './stable-port.ts'

const parallel = 50
const processes = 4
const rounds = 1_000

describe('one refresh token presented many times at once', () => {
  it('RT-01 answers fifty with one successor inside the repeat window, and the family lives', async test => {
    const { app, tokens } = await signedIn(test, {})
    const answers = await allAtOnce(app, tokens.refreshToken, parallel)
    assert.deepEqual(answers.map(statusOf), new Array(parallel).fill(200))
    const [successor = '', ...others] = new Set(answers.map(answer => answer.refreshToken))
    assert.deepEqual(others, [], 'there is a second successor')
    assert.notEqual(successor, tokens.refreshToken)
    const next = await app.refresh(successor)
    assert.equal(next.status, 200)
    assert.equal((await app.refresh(next.refreshToken)).status, 200)
  })

  it('RT-01 answers one of fifty where the repeat window is off, and the grant ends', async test => {
    const { app, tokens } = await signedIn(test, { repeatSeconds: 0 })
    const answers = await allAtOnce(app, tokens.refreshToken, parallel)
    const good = answers.filter(answer => answer.status === 200)
    const refused = answers.filter(answer => answer.status !== 200)
    assert.equal(good.length, 1)
    assert.deepEqual(
      refused.map(answer => [answer.status, answer.body['error']]),
      new Array(parallel - 1).fill([400, 'invalid_grant']),
    )
    const [winner] = good
    assert.equal((await app.refresh(winner!.refreshToken)).status, 400, 'the grant goes on after a reuse')
    assert.equal((await app.userinfo(winner!.accessToken)).status, 401)
  })
})

describe('four processes on one database', () => {
  it('RT-01 give every generation one successor over a thousand rounds', async test => {
    const { servers, app, tokens } = await signedInOnSeveral(test)
    const apps = servers.map(server => app(server))
    const seen = new Set<string>([tokens.refreshToken])
    let current = tokens.refreshToken
    let asked = 0
    for (let round = 0; round < rounds; round++) {
      const answers = await Promise.all(apps.map(each => refreshThroughTrouble(each, current)))
      asked += answers.reduce((sum, answer) => sum + answer.attempts, 0)
      const [successor = '', ...others] = new Set(answers.map(answer => answer.refreshToken))
      assert.deepEqual(others, [], `round ${round} has a second successor`)
      assert.ok(!seen.has(successor), `round ${round} answers a token of before`)
      seen.add(successor)
      current = successor
    }
    test.diagnostic(`${rounds * processes} answers, ${asked - rounds * processes} sent again after a 503`)
    assert.equal(seen.size, rounds + 1)
    for (const each of apps) assert.equal((await each.refresh(current)).status, 200, 'the last token is lost')
  })
})

async function signedIn(
  test: TestContext,
  client: { readonly [name: string]: unknown },
): Promise<{ app: App; tokens: Tokens }> {
  const data = await dataDirectory(test)
  const office = await openOffice(test, data)
  await office.addUser()
  const registered = await office.addClient({ id: 'phone', kind: 'native', ...client })
  const server = await startServer(test, { data })
  const app = appOf(server, registered)
  return { app, tokens: await app.signIn(browserOf(server)) }
}

async function signedInOnSeveral(test: TestContext) {
  const data = await dataDirectory(test)
  const office = await openOffice(test, data)
  await office.addUser()
  const registered = await office.addClient({ id: 'phone', kind: 'native' })
  const servers: ServerProcess[] = []
  for (let index = 0; index < processes; index++) {
    const port = await stablePort()
    servers.push(await startServer(test, { data, port, flags: ['--issuer', 'http://localhost:7295'] }))
  }
  const app = (server: ServerProcess) => appOf(server, registered)
  const [first] = servers
  return { servers, app, tokens: await app(first!).signIn(browserOf(first!)) }
}

function allAtOnce(app: App, refreshToken: string, count: number): Promise<Tokens[]> {
  return Promise.all(Array.from({ length: count }, () => app.refresh(refreshToken)))
}

const attemptsMax = 5

/** A 503 means "unknown": the same request is sent again and must then be answered (I14). */
async function refreshThroughTrouble(app: App, refreshToken: string): Promise<Tokens & { readonly attempts: number }> {
  for (let attempts = 1; ; attempts++) {
    const answer = await app.refresh(refreshToken)
    if (answer.status === 200) return { ...answer, attempts }
    assert.equal(answer.status, 503, `the answer is ${answer.status} ${JSON.stringify(answer.body)}`)
    assert.ok(attempts < attemptsMax, `${attempts} answers were 503`)
  }
}

function statusOf(answer: Tokens): number {
  return answer.status
}
