/** The command line example as processes of its own, at a real server, with a person who has a browser. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { custodyKeyFrom } from '../../packages/client/src/custody/custody-key.ts'
import { newVersion, openVault, type Vault } from '../../packages/client/src/holder/vault.ts'
import { fileStore } from '../../packages/client/src/stores/file.ts'
import { browserOf, openOffice } from '../processes/registered.ts'
import { dataDirectory, emptyDirectory, type ServerProcess, startServer } from '../processes/server-process.ts'
import type { Browser } from '../stage/browser.ts'
import { answerDevice } from '../stage/device.ts'
import { openLifetime } from '../stage/lifetime.ts'
import { visit } from './sign-in-ground.ts'

const program = fileURLToPath(new URL('../../examples/native-cli/src/main.ts', import.meta.url))

interface Scene {
  /** What the tool keeps, opened with its key. */
  readonly vault: () => Promise<Vault>
  readonly browser: Browser
  readonly grants: string
  /** What the system's browser was called with. */
  readonly openedUrl: () => Promise<string>
  readonly start: (words: readonly string[], environment?: Environment) => Running
}

type Environment = { readonly [name: string]: string }

interface Running {
  readonly child: ChildProcess
  /** Resolves with what it says once that has this in it. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly ended: Promise<Ended>
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const life = openLifetime()
let server: ServerProcess
before(async () => {
  const data = await dataDirectory(life)
  server = await startServer(life, { data })
  const office = await openOffice(life, data)
  await office.addUser()
  const redirectUris = ['http://127.0.0.1/callback']
  await office.addClient({ id: 'tool', kind: 'native', redirectUris, deviceGrant: true })
})
after(() => life.end())

/** A machine of its own at the one server: a person, a browser, and a directory for grants. */
async function openScene(test: TestContext): Promise<Scene> {
  const home = await emptyDirectory(test)
  const programs = join(home, 'programs')
  await mkdir(programs)
  const opened = join(home, 'opened')
  for (const name of ['xdg-open', 'open']) {
    await writeFile(
      join(programs, name),
      `#!/bin/sh\nprintf %s "$1" > "${opened}.new" && mv "${opened}.new" "${opened}"\n`,
    )
    await chmod(join(programs, name), 0o755)
  }
  const grants = join(home, 'grants')
  const keyBytes = randomBytes(32)
  const standard = {
    PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    ISSUER: server.issuer,
    CLIENT_ID: 'tool',
    GRANTS: grants,
    PAWL_CUSTODY_KEY: keyBytes.toString('base64url'),
  }
  return {
    vault: async () =>
      openVault({
        server: server.issuer,
        client: { client_id: 'tool' },
        store: fileStore(grants),
        custodyKey: await custodyKeyFrom(Uint8Array.from(keyBytes)),
      }),
    browser: browserOf(server),
    grants,
    openedUrl: () => readFile(opened, 'utf8'),
    start: (words, environment = {}) => running(test, words, { ...standard, ...environment }),
  }
}

function running(test: TestContext, words: readonly string[], env: Environment): Running {
  const child = spawn(process.execPath, [program, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      child.emit('said')
    })
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }))
  test.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    ended,
    says: async pattern => {
      for (;;) {
        const found = pattern.exec(output.stderr)
        if (found !== null) return found
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${output.stderr}`)
        await Promise.race([once(child, 'said'), ended])
      }
    },
  }
}

async function run({ start }: Scene, words: readonly string[], environment?: Environment): Promise<Ended> {
  return start(words, environment).ended
}

async function signIn(scene: Scene): Promise<void> {
  const login = scene.start(['login'])
  const [url] = await login.says(/https?:\S+authorize\S+/)
  const page = await fetch(await visit(scene.browser, url))
  assert.match(await page.text(), /You are signed in/)
  const { code, stdout, stderr } = await login.ended
  assert.deepEqual([code, stdout, stderr.endsWith('You are signed in.\n')], [0, '', true])
}

/** As if they had run out: the next one who needs one refreshes. */
async function forgetAccessTokens(scene: Scene): Promise<{ readonly vault: Vault; readonly generation: number }> {
  const vault = await scene.vault()
  const kept = await vault.load('default')
  assert.ok(kept !== null)
  const grant = { ...kept.grant, accessTokens: [] }
  assert.notEqual(await vault.save('default', { ...kept, grant, version: newVersion() }, kept.version), null)
  return { vault, generation: grant.generation }
}

async function readAll(directory: string): Promise<string> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  return (await Promise.all(files.map(path => readFile(path, 'latin1')))).join('\n')
}

describe('the command line example', () => {
  it('signs in with the browser that it opens, asks the API, and signs out', async test => {
    const scene = await openScene(test)
    await signIn(scene)
    assert.match(await scene.openedUrl(), new RegExp(`^${server.issuer}/authorize\\?`))
    const whoami = await run(scene, ['whoami'])
    assert.deepEqual([whoami.code, whoami.stderr], [0, ''])
    assert.equal((JSON.parse(whoami.stdout) as { readonly email: string }).email, 'ada@example.com')
    const call = await run(scene, ['call', 'userinfo'])
    assert.equal(call.stdout, whoami.stdout)
    assert.doesNotMatch(await readAll(scene.grants), /pawl_|eyJ|ada@example/)
    const logout = await run(scene, ['logout'])
    assert.deepEqual([logout.code, logout.stderr], [0, 'You are signed out.\n'])
    const after = await run(scene, ['whoami'])
    assert.deepEqual([after.code, after.stdout, after.stderr], [5, '', 'You are not signed in: run login.\n'])
    assert.equal((await run(scene, ['logout'])).stderr, 'You were not signed in.\n')
  })

  it('signs in on another device', async test => {
    const scene = await openScene(test)
    const login = scene.start(['login', '--device'])
    const [, address, code = ''] = await login.says(/Open (\S+) on any device and enter the code (\S+)/)
    assert.equal(address, `${server.issuer}/device`)
    await answerDevice(scene.browser, code)
    assert.equal((await login.ended).code, 0)
    assert.equal((await run(scene, ['whoami'])).code, 0)
  })

  it('refreshes once for any number of processes at the same time, and nobody is signed out', async test => {
    const scene = await openScene(test)
    await signIn(scene)
    const { vault, generation } = await forgetAccessTokens(scene)
    const answers = await Promise.all(Array.from({ length: 5 }, () => run(scene, ['whoami'])))
    assert.deepEqual(
      answers.map(({ code, stderr }) => [code, stderr]),
      Array(5).fill([0, '']),
    )
    assert.equal((await vault.load('default'))?.grant.generation, generation + 1)
    assert.equal((await run(scene, ['logout'])).stderr, 'You are signed out.\n')
  })

  it('gives no token to another origin than that of the API', async test => {
    const scene = await openScene(test)
    await signIn(scene)
    const { code, stdout, stderr } = await run(scene, ['call', 'http://localhost:1/'])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^no access token goes to http:\/\/localhost:1/)
  })
})

describe('the command line example, where something is wrong', () => {
  it('says what to do, with a number of its own for each kind', async test => {
    const scene = await openScene(test)
    const wrong: readonly (readonly [readonly string[], Environment, number, RegExp])[] = [
      [[], {}, 2, /^pawl-example login/],
      [['login', '--sideways'], {}, 2, /^pawl-example login/],
      [['whoami', 'ada'], {}, 2, /^pawl-example login/],
      [['call'], {}, 2, /^pawl-example login/],
      [['whoami'], { PAWL_CUSTODY_KEY: 'short' }, 3, /PAWL_CUSTODY_KEY/],
      [['whoami'], { ISSUER: 'http://id.example' }, 3, /^ISSUER is an https URL/],
      [['login'], { ISSUER: 'http://localhost:1' }, 4, /metadata of the server could not be had/],
      [['login'], { CLIENT_ID: 'nobody' }, 1, /^The server refused to sign you in \(invalid_client\)/],
    ]
    for (const [words, environment, code, sentence] of wrong) {
      const ended = await run(scene, words, environment)
      assert.equal(ended.code, code, `${words.join(' ')}: ${ended.stderr}`)
      assert.match(ended.stderr, sentence)
      assert.equal(ended.stdout, '')
    }
  })

  it('says that the person did not let it in', async test => {
    const scene = await openScene(test)
    const login = scene.start(['login'])
    const [url] = await login.says(/https?:\S+authorize\S+/)
    const { pathname, search } = new URL(url)
    const consent = await scene.browser.signIn(await scene.browser.open(pathname + search))
    const { leftTo } = await scene.browser.decide(consent, 'deny')
    assert.equal((await fetch(leftTo ?? '')).status, 400)
    const { code, stderr } = await login.ended
    assert.deepEqual([code, stderr.trimEnd().split('\n').at(-1)], [1, 'You did not let it in.'])
  })

  it('can be interrupted, and leaves nothing that listens', async test => {
    const scene = await openScene(test)
    const login = scene.start(['login'])
    const [url] = await login.says(/https?:\S+authorize\S+/)
    login.child.kill('SIGINT')
    const { code, stderr } = await login.ended
    assert.deepEqual([code, stderr.trimEnd().split('\n').at(-1)], [130, 'Cancelled.'])
    const back = await visit(scene.browser, url)
    await assert.rejects(fetch(back), TypeError)
  })

  // The last one: it takes the server away.
  it('keeps the person signed in while the server is away', async test => {
    const scene = await openScene(test)
    await signIn(scene)
    await server.kill()
    const { code, stderr } = await run(scene, ['whoami'])
    assert.deepEqual([code, stderr], [4, 'The API does not answer.\n'])
    const { vault } = await forgetAccessTokens(scene)
    const again = await run(scene, ['whoami'])
    assert.deepEqual([again.code, again.stderr], [4, 'The server does not answer. You stay signed in: try again.\n'])
    assert.notEqual((await vault.load('default'))?.grant.refreshToken, null)
  })
})
