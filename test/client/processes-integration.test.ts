/** The integration example: three workers over one PostgreSQL, killed, cut off and healed, against a real Pawl. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ClientSecretBasic } from 'oauth4webapi'
import { Pool } from 'pg'
import { custodyKeyFrom, type Holder, holdGrants } from '@pawl/client'
import { postgresStore } from '@pawl/client/postgres'
import { type FaultProxy, faultProxy } from '../network/fault-proxy.ts'
import { databaseOn, sharedCluster } from '../postgres/databases.ts'
import { appOf, browserOf, openOffice } from '../processes/registered.ts'
import { dataDirectory, pawlJson, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import { agree } from '../stage/app.ts'
import type { Browser, Ground } from '../stage/browser.ts'
import { countedTokens } from './processes-ground.ts'

const program = fileURLToPath(new URL('../../examples/integration/src/main.ts', import.meta.url))
const partners = 12
const workersMax = 5
/** As the example is told: each connection is due this often, so that the test sees months in seconds. */
const refreshSecondsMax = 6

interface Scene {
  readonly proxy: FaultProxy
  readonly tokenRequests: () => number
  readonly holder: Holder
  readonly names: readonly string[]
  readonly ground: Ground
  readonly browser: Browser
  readonly data: string
  readonly worker: () => Promise<Worker>
}

interface Worker {
  readonly url: string
  readonly child: ChildProcess
  readonly health: () => Promise<Health>
}

interface Health {
  readonly states: { readonly [state: string]: number }
  readonly outcomes: { readonly [outcome: string]: number }
  readonly lines: readonly { readonly grant: string; readonly state: string; readonly [name: string]: unknown }[]
}

async function openScene(test: TestContext): Promise<Scene> {
  const [data, port, database] = await Promise.all([
    dataDirectory(test),
    stablePort(),
    databaseOn(await sharedCluster()),
  ])
  const proxy = await faultProxy(test, port)
  const counted = countedTokens()
  proxy.faultAll(counted.fault)
  const server = await startServer(test, { data, port, flags: ['--issuer', proxy.origin] })
  const office = await openOffice(test, data)
  await office.addUser()
  const workerPorts: number[] = []
  for (let each = 0; each < workersMax; each++) workerPorts.push(await stablePort())
  const redirectUris = workerPorts.map(each => `http://localhost:${each}/callback`)
  const registered = await office.addClient({ id: 'sync', kind: 'integration', repeatSeconds: 0, redirectUris })
  const secret = registered.secret ?? ''
  const custodyKey = createHash('sha256').update('integration').digest()
  const environment = {
    PATH: process.env['PATH'],
    DATABASE_URL: database.url,
    ISSUER: proxy.origin,
    CLIENT_ID: 'sync',
    CLIENT_SECRET: secret,
    PAWL_CUSTODY_KEY: custodyKey.toString('base64url'),
    REFRESH_SECONDS_MAX: String(refreshSecondsMax),
  }
  const worker = () => startWorker(test, { ...environment, PORT: String(workerPorts.shift()) })
  // The first worker makes the tables.
  const first = await worker()
  const pool = new Pool({ connectionString: database.url, max: 4 })
  // The workers' connections end with the database.
  test.after(() => pool.end().then(database.drop))
  const holder = holdGrants({
    server: proxy.origin,
    client: { client_id: 'sync' },
    authentication: ClientSecretBasic(secret),
    store: postgresStore({ pool }),
    custodyKey: await custodyKeyFrom(new Uint8Array(custodyKey)),
  })
  const names = Array.from({ length: partners }, (_, index) => `partner-${index}`)
  const [browser, app] = [browserOf(server), appOf(server, registered)]
  for (const name of names) {
    const { body } = await app.signIn(browser)
    await holder.keep(name, { tokens: body })
    await pool.query('INSERT INTO connections (name) VALUES ($1)', [name])
  }
  const waiting = [first]
  return {
    proxy,
    tokenRequests: counted.count,
    holder,
    names,
    ground: server,
    browser,
    data,
    // The one that is there already, then new ones.
    worker: async () => waiting.pop() ?? worker(),
  }
}

async function startWorker(test: TestContext, environment: NodeJS.ProcessEnv): Promise<Worker> {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'ignore'], env: environment })
  test.after(() => child.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const url = /at (http:\S+)\/health$/.exec(line)?.[1] ?? ''
  return { url, child, health: async () => (await (await fetch(`${url}/health.json`)).json()) as Health }
}

/** Asks until it is so; what is waited for is what the test is about, so there is no other end but the test's. */
async function until(worker: Worker, isSo: (health: Health) => boolean): Promise<Health> {
  for (;;) {
    const health = await worker.health()
    if (isSo(health)) return health
  }
}

const areAll =
  (state: string, count = partners) =>
  ({ states }: Health) =>
    states[state] === count

async function generations({ holder, names }: Scene): Promise<readonly number[]> {
  return Promise.all(names.map(async name => (await holder.look(name))?.generation ?? 0))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

describe('the example of an integration', () => {
  it('keeps every connection with one request for each refresh, whoever is killed and whatever is away', async test => {
    const scene = await openScene(test)
    const workers = await Promise.all([scene.worker(), scene.worker(), scene.worker()])
    await Promise.all(workers.map(worker => until(worker, areAll('alive'))))
    await growing(scene, 3 * partners)
    await Promise.all(workers.map(stopped))
    // All answers were waited for, so whatever was asked is a generation.
    assert.equal(scene.tokenRequests(), sum(await generations(scene)) - partners)

    const [one, two] = await Promise.all([scene.worker(), scene.worker()])
    await Promise.all([one, two].map(worker => until(worker, areAll('alive'))))
    two.child.kill('SIGKILL')
    scene.proxy.refuse()
    scene.proxy.resetAll()
    const away = await until(one, areAll('failing'))
    assert.deepEqual(new Set(away.lines.map(({ failure }) => failure)), new Set(['no_answer']))
    await scene.proxy.accept()
    await until(one, areAll('alive'))
    const views = await Promise.all(scene.names.map(scene.holder.look))
    assert.ok(views.every(view => view?.end === null))

    await ended(scene, one)
    await connectedAgain(scene, one)
    await stopped(one)
  })
})

/** Waits until all connections together have come so far. */
async function growing(scene: Scene, target: number): Promise<void> {
  while (sum(await generations(scene)) < target);
}

async function stopped({ child }: Worker): Promise<void> {
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [0, null])
}

/** An operator ends the grants of everybody: the health list says so, of each. */
async function ended({ data }: Scene, worker: Worker): Promise<void> {
  await pawlJson(['revoke', '--client', 'sync', '--yes', '--data', data])
  const { lines } = await until(worker, areAll('ended'))
  assert.deepEqual(new Set(lines.map(({ endReason }) => endReason)), new Set(['refused']))
  const page = await (await fetch(`${worker.url}/health`)).text()
  assert.match(page, /<td>partner-0<\/td><td>ended<\/td>/)
}

/** Somebody allows one of them again, and it works at once. */
async function connectedAgain({ browser, ground }: Scene, worker: Worker): Promise<void> {
  assert.equal((await fetch(`${worker.url}/call/partner-0`)).status, 409)
  const begun = await fetch(`${worker.url}/connect/partner-0`, { redirect: 'manual' })
  const { pathname, search } = new URL(begun.headers.get('location') ?? '', ground.issuer)
  const back = await agree(browser, await browser.open(pathname + search))
  const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? ''
  const done = await fetch(back, { headers: { cookie }, redirect: 'manual' })
  assert.deepEqual([done.status, done.headers.get('location')], [303, '/health'])
  const told = (await (await fetch(`${worker.url}/call/partner-0`)).json()) as { readonly email: string }
  assert.equal(told.email, 'ada@example.com')
  await until(worker, areAll('alive', 1))
}
