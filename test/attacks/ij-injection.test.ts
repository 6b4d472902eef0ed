/** Text that means something elsewhere: to SQL, HTTP, a log, a path. Here it is text. */

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { Client } from 'pg'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { basic, type Tokens } from '../stage/app.ts'
import { stagePassword } from '../stage/browser.ts'
import {
  assertUnchanged,
  familyIdOf,
  openFamilyOf,
  openScene,
  rowOf,
  type Scene,
  settle,
  shop,
} from '../stage/scene.ts'

const formType = { 'content-type': 'application/x-www-form-urlencoded' }
const root = join(import.meta.dirname, '../..')

interface Opened extends Scene {
  readonly first: Tokens
}

async function opened(test: TestContext): Promise<Opened> {
  const scene = await openScene(test, { client: shop })
  return { ...scene, first: (await openFamilyOf(scene)).first }
}

function post(
  scene: Scene,
  path: string,
  fields: Iterable<readonly [string, string]>,
  headers = {},
): Promise<Response> {
  const authorization = basic('shop', scene.registered.secret ?? '')
  const body = new URLSearchParams([...fields].map(([name, value]) => [name, value])).toString()
  return scene.stage.send(path, { method: 'POST', headers: { ...formType, authorization, ...headers }, body })
}

const statements = [
  "'",
  "' OR '1'='1",
  "'; DROP TABLE families; --",
  '" OR ""="',
  "' UNION SELECT document, 1 FROM clients --",
  '1; UPDATE families SET generation = 0',
  '$1',
  '?',
  ':id',
  '/* */ OR 1=1',
  "\\' OR 1=1 --",
  "%' AND 1=(SELECT COUNT(*) FROM users) --",
  'ａ＇ OR 1=1',
  '`',
  ';',
  "' || (SELECT seed FROM families LIMIT 1) || '",
]

/** Every parameter and header each endpoint reads, and one it does not. */
const surface: readonly (readonly ['GET' | 'POST', string, readonly string[]])[] = [
  [
    'POST',
    '/token',
    [
      'grant_type',
      'code',
      'code_verifier',
      'redirect_uri',
      'refresh_token',
      'scope',
      'resource',
      'audience',
      'client_id',
      'client_secret',
      'x',
    ],
  ],
  ['POST', '/revoke', ['token', 'token_type_hint', 'client_id', 'x']],
  ['POST', '/introspect', ['token', 'token_type_hint', 'x']],
  ['POST', '/userinfo', ['access_token', 'x']],
  ['GET', '/userinfo', ['x']],
  [
    'GET',
    '/authorize',
    [
      'client_id',
      'redirect_uri',
      'response_type',
      'response_mode',
      'scope',
      'state',
      'nonce',
      'prompt',
      'max_age',
      'login_hint',
      'id_token_hint',
      'ui_locales',
      'claims',
      'code_challenge',
      'code_challenge_method',
      'resource',
      'acr_values',
      'request',
      'request_uri',
      'x',
    ],
  ],
  ['POST', '/authorize', ['client_id', 'redirect_uri', 'state']],
  ['POST', '/par', ['client_id', 'redirect_uri', 'state', 'response_type', 'request', 'request_uri', 'claims', 'x']],
  ['GET', '/continue', ['state_token', 'problem', 'x']],
  ['POST', '/sign-in', ['state_token', 'username', 'password', 'decision', 'x']],
  ['POST', '/consent', ['state_token', 'decision', 'x']],
  ['POST', '/sign-out', ['state_token', 'decision', 'x']],
  ['GET', '/logout', ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state', 'x']],
  ['POST', '/logout', ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state']],
]

const headerNames = [
  'authorization',
  'user-agent',
  'origin',
  'idempotency-key',
  'dpop',
  'x-forwarded-for',
  'host',
  'accept-language',
  'sec-fetch-site',
  'content-type',
]
const cookieNames = ['__Host-pawl_browser', '__Host-pawl_session', '__Host-pawl_device']

describe('SQL in a request', () => {
  it('IJ-01 is text in every parameter, header and cookie: no 5xx, and nothing of anybody has changed', async test => {
    const scene = await opened(test)
    const { stage, app, browser, first } = scene
    const heard = overheard(test)
    const row = await rowOf(stage, familyIdOf(stage, first.refreshToken))
    const counted = await countsOf(scene)
    const about: string[] = []
    const look = async (what: string, response: Promise<Response>): Promise<void> => {
      const { status } = await response
      if (status >= 500) about.push(`${what}: ${status}`)
    }
    const valid = Object.fromEntries(new URL(app.authorizePath({ prompt: 'none' }).path, stage.issuer).searchParams)
    for (const sql of statements) {
      for (const [method, path, names] of surface) {
        for (const name of names) {
          const fields: { [name: string]: string } =
            path === '/authorize' ? { ...valid } : { ...goodFields(first)[path] }
          fields[name] = sql
          const query = new URLSearchParams(fields).toString()
          const sent = method === 'GET' ? stage.send(`${path}?${query}`) : post(scene, path, Object.entries(fields))
          await look(`${method} ${path} ${name}=${sql}`, sent)
        }
      }
      const ascii = sql.replaceAll(/[^\x20-\x7e]/g, 'x')
      for (const name of headerNames) {
        await look(
          `${name}: ${sql}`,
          post(scene, '/token', Object.entries(goodFields(first)['/revoke'] ?? {}), { [name]: ascii }),
        )
        await look(`${name}: ${sql}`, stage.send('/authorize', { headers: { [name]: ascii } }))
      }
      for (const name of cookieNames) {
        await look(`${name}=${sql}`, stage.send('/', { headers: { cookie: `${name}=${ascii}` } }))
      }
      await look(`path ${sql}`, stage.send(`/${encodeURIComponent(sql)}`))
    }
    assert.deepEqual(about, [])
    await settle(stage)
    const texts = heard()
    assert.ok(texts.length > 0, 'the database was asked nothing')
    const put = statements.filter(sql => sql.length > 10)
    assert.ok(
      texts.every(text => put.every(sql => !text.includes(sql))),
      'a value stands in a statement',
    )
    assert.deepEqual(await rowOf(stage, row.id), row)
    assert.deepEqual(await countsOf(scene), counted)
    const page = await browser.open(app.authorizePath({ prompt: 'none' }).path)
    assert.notEqual(page.leftTo?.searchParams.get('code') ?? null, null, 'the session lives')
    await assertUnchanged(app, first)
  })

  it('IJ-01 has no way in: what is put into a statement is a name of ours, and each was looked at', () => {
    const files = globSync('packages/server/src/store/{sql,sqlite,postgres}/*.ts', { cwd: root })
    const sources = files.filter(path => !path.endsWith('.test.ts'))
    assert.ok(sources.length > 10)
    const found = sources.flatMap(path => {
      const text = readFileSync(join(root, path), 'utf8')
      const holes = holesInStatements(text).filter(hole => !isConstantOf(text, hole))
      return holes.filter(hole => reviewed[basename(path)]?.includes(hole) !== true).map(hole => `${path}: ${hole}`)
    })
    assert.deepEqual(found, [])
  })
})

/** Holes in statements that are filled out of closed lists in the same file, with a number, or with a whole statement. */
const reviewed: { readonly [file: string]: readonly string[] } = {
  'connection.ts': ['pragma'],
  'events.ts': ['where', 'params.length'],
  'families.ts': ["familyColumns.join(', ')"],
  'family-scan.ts': ["[...familySelects, clockColumns, ...cutOffSelects, ...others].join(', ')", 'kind', 'key'],
  'marks.ts': ['guardText', 'parameter'],
  'migrate.ts': ['version + 1', 'version', 'moved'],
  'sweep.ts': ['table', 'key', 'column'],
  'transaction.ts': ['guard.text'],
}

/** The text of every statement that reaches the driver of either engine from now on. */
function overheard(test: TestContext): () => readonly string[] {
  const prepared = test.mock.method(DatabaseSync.prototype, 'prepare')
  const asked = test.mock.method(Client.prototype, 'query')
  const textOf = (said: unknown): string => (typeof said === 'string' ? said : (said as { text: string }).text)
  return () => [...prepared.mock.calls, ...asked.mock.calls].map(call => textOf(call.arguments[0]))
}

function goodFields(first: Tokens): { readonly [path: string]: { readonly [name: string]: string } } {
  const shown = { token: 'x' }
  return {
    '/token': { grant_type: 'refresh_token', refresh_token: `${first.refreshToken}x` },
    '/revoke': shown,
    '/introspect': shown,
    '/sign-in': { state_token: 'x', username: 'ada@example.com', password: 'x', decision: 'sign_in' },
    '/consent': { state_token: 'x', decision: 'allow' },
    '/sign-out': { state_token: 'x', decision: 'sign_out' },
  }
}

/** What may not be different after an attack. */
async function countsOf({ stage }: Scene): Promise<object> {
  const { clients, users, events, signingKeys } = stage.pawl.store
  const kept = (await events.latest(1000)).filter(({ kind }) => kind !== 'sign_in_throttled')
  return {
    clients: await clients.list(100),
    user: await users.readByEmailKey('ada@example.com'),
    keys: (await signingKeys.list()).length,
    events: kept.length,
  }
}

/** What is put into a template that holds SQL. */
function holesInStatements(text: string): readonly string[] {
  const templates = [...text.matchAll(/`((?:[^`\\]|\\.)*)`/g)].map(([, body = '']) => body)
  const sql = templates.filter(body => /\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|PRAGMA)\b/.test(body))
  return sql.flatMap(body => [...body.matchAll(/\$\{([^}]*)\}/g)].map(([, hole = '']) => hole.trim()))
}

/** A name in this file, or imported, that stands for text of ours. */
function isConstantOf(text: string, hole: string): boolean {
  if (!/^[a-zA-Z]+$/.test(hole)) return false
  return (
    new RegExp(`^(?:export )?const ${hole} = `, 'm').test(text) || new RegExp(`import \\{[^}]*\\b${hole}\\b`).test(text)
  )
}

const lineBreaks = ['\r\nSet-Cookie: a=b', '\nX: y', '\r\n\r\n<html>', '\u2028x', '\u0085x', '%0d%0aX: y']

describe('a line break', () => {
  it('IJ-02 in what comes back in a header splits none, in state, address, scope, name or user agent', async test => {
    const scene = await opened(test)
    const { app, browser, stage } = scene
    await changeClient(stage.workbench, 'shop', { name: 'Shop' })
    for (const text of lineBreaks) {
      for (const name of ['state', 'redirect_uri', 'scope', 'client_id', 'prompt', 'response_type', 'ui_locales']) {
        for (const mode of ['query', 'form_post']) {
          const { path } = app.authorizePath({ prompt: 'none', response_mode: mode, [name]: `a${text}` })
          const response = await browser.send(path)
          assert.equal(response.headers.get('x'), null)
          assert.ok(!response.headers.getSetCookie().some(cookie => cookie.startsWith('a=')))
          const location = response.headers.get('location') ?? ''
          assert.match(location, /^[\x21-\x7e]*$/, `${name} in ${mode}`)
          if (name === 'state' && location !== '') assert.equal(new URL(location).searchParams.get('state'), `a${text}`)
        }
      }
      const refused = await post(scene, '/token', [['grant_type', `x${text}`]])
      const { error, error_description: described } = (await refused.json()) as { [name: string]: string }
      assert.match(`${error}${described}`, /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/, 'RFC 6749 §5.2')
    }
    await assert.rejects(changeClient(stage.workbench, 'shop', { name: 'a\r\nb' }))
  })
})

describe('a host or a prefix that somebody made up', () => {
  it('IJ-06 is in no link and no issuer', async test => {
    const scene = await opened(test)
    const { app, browser, stage } = scene
    const lies = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'gopher',
      'x-forwarded-prefix': '/evil',
      'x-forwarded-port': '666',
      'x-original-url': '/evil',
      'x-rewrite-url': '/evil',
      forwarded: 'host=evil.example;proto=gopher',
    }
    const asked = app.authorizePath({ prompt: 'login', state: 'same', nonce: 'same' }).path
    for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/jwks', '/']) {
      const [plain, lied] = await Promise.all([stage.send(path), stage.send(path, { headers: lies })])
      assert.equal(await lied.text(), await plain.text(), path)
    }
    const page = await browser.send(asked, { headers: lies })
    assert.doesNotMatch(await page.text(), /evil|gopher/)
    const back = await browser.send(app.authorizePath({ prompt: 'none' }).path, { headers: lies })
    assert.equal(new URL(back.headers.get('location') ?? '').searchParams.get('iss'), stage.issuer)
    const out = await post(scene, '/logout', [['state', 'x']], lies)
    assert.ok((out.headers.get('location') ?? '').startsWith(`${stage.issuer}/logout?`))
    const foreign = await stage.pawl.fetch(new Request('http://evil.example/.well-known/openid-configuration'))
    assert.equal(((await foreign.json()) as { readonly issuer: string }).issuer, stage.issuer)
  })
})

describe('text that is no text, or looks like another', () => {
  it('IJ-08 is refused where it is no UTF-8, at every endpoint', async test => {
    const scene = await opened(test)
    const authorization = basic('shop', scene.registered.secret ?? '')
    const broken = [
      '%C0%AF',
      '%C0%80',
      '%E0%80%AF',
      '%ED%A0%80',
      '%F5%80%80%80',
      '%FF',
      '%80',
      '%E2%82',
      '%00',
      '%',
      '%u0041',
    ]
    for (const path of ['/token', '/revoke', '/introspect', '/sign-in', '/consent', '/sign-out', '/logout']) {
      for (const text of broken) {
        const init = { method: 'POST', headers: { ...formType, authorization }, body: `username=${text}&token=x` }
        assert.equal((await scene.stage.send(path, init)).status, 400, `${path} ${text}`)
      }
      const raw = {
        method: 'POST',
        headers: { ...formType, authorization },
        body: Buffer.from([0x61, 0x3d, 0xc3, 0x28]),
      }
      assert.equal((await scene.stage.send(path, raw)).status, 400)
    }
    for (const text of broken) {
      assert.equal((await scene.stage.send(`/authorize?client_id=shop&state=${text}`)).status, 400, text)
    }
    await assertUnchanged(scene.app, scene.first)
  })

  it('IJ-08 names one person however an address is written, and nobody where it hides characters', async test => {
    const { app, stage } = await opened(test)
    const signsIn = async (username: string): Promise<boolean> => {
      const browser = stage.browser()
      const page = await browser.signIn(await browser.open(app.authorizePath().path), username, stagePassword)
      assert.ok(page.status < 500, username)
      return browser.jar.has('__Host-pawl_session')
    }
    for (const same of ['ADA@EXAMPLE.COM', 'ａｄａ@example.com', ' ada@example.com ']) {
      assert.equal(await signsIn(same), true, same)
    }
    const hidden = ['\u202eada@example.com', 'ada\u200b@example.com', 'аda@example.com', 'ada@example.com\u0007']
    for (const other of hidden) assert.equal(await signsIn(other), false, JSON.stringify(other))
    await assert.rejects(stage.addUser('ＡＤＡ@example.com'), 'unique')
  })
})

describe('a claims parameter', () => {
  it('IJ-09 of any shape is read by its schema, or refused', async test => {
    const { app, browser } = await opened(test)
    const deep = `${'{"a":'.repeat(600)}1${'}'.repeat(600)}`
    const wrong = [
      'x',
      '1',
      '[]',
      '"x"',
      'null',
      '{',
      '{"userinfo":1}',
      '{"id_token":[]}',
      '{"userinfo":{"email":1}}',
      '[{"a":1}]',
    ]
    const harmless = [
      '{}',
      '{"userinfo":{"__proto__":null,"constructor":null,"email":null}}',
      '{"id_token":{"email":{"essential":true,"value":"\\u0000"}}}',
      '{"userinfo":{"x-unknown":{"values":[1,2,{"a":[]}]}}}',
      '{"other":"function(){}"}',
      deep,
    ]
    for (const claims of [...wrong, ...harmless]) {
      const page = await browser.open(app.authorizePath({ claims, prompt: 'none' }).path)
      assert.ok(page.status < 500, claims.slice(0, 60))
      const error = page.leftTo?.searchParams.get('error') ?? null
      if (wrong.includes(claims)) assert.equal(error, 'invalid_request', claims)
    }
  })
})

describe('a path', () => {
  it('IJ-10 spelled in any other way is nobody’s', async test => {
    const { app, first, stage } = await opened(test)
    const spellings = [
      '/token/',
      '//token',
      '/%74oken',
      '/token;x',
      '/TOKEN',
      '/token%20',
      '/token%00',
      '/./token%2f',
      '/token//',
      '/x/..%2ftoken',
      '/token.json',
      '/Token',
      '/token%3f',
      '/authorize/',
      '/jwks/',
      '/.well-known/openid-configuration/',
      '/.WELL-KNOWN/openid-configuration',
      '/livez',
      '/readyz',
      '/metrics',
      '/admin',
    ]
    for (const path of spellings) {
      const body = `grant_type=refresh_token&refresh_token=${first.refreshToken}`
      const response = await stage.send(`${stage.issuer}${path}`, { method: 'POST', headers: formType, body })
      assert.equal(response.status, 404, path)
      assert.match(response.headers.get('pawl-request-id') ?? '', /^req_/)
    }
    await assertUnchanged(app, first)
  })
})

describe('a credential that cannot be read', () => {
  it('IJ-12 is an error, and never left out for a weaker request', async test => {
    const scene = await openScene(test)
    const { app, stage } = scene
    const { first } = await openFamilyOf(scene)
    const asked = { grant_type: 'refresh_token', refresh_token: first.refreshToken, client_id: 'phone' }
    const send = (fields: { readonly [name: string]: string }, headers = {}): Promise<Response> =>
      stage.send('/token', {
        method: 'POST',
        headers: { ...formType, ...headers },
        body: new URLSearchParams(fields).toString(),
      })
    for (const authorization of ['Basic !', 'Bearer x', 'x', `Basic ${'A'.repeat(9000)}`, basic('phone', '')]) {
      assert.equal((await send(asked, { authorization })).status, 401, authorization.slice(0, 20))
    }
    for (const added of [{ client_secret: 'x' }, { client_assertion: 'x' }, { client_assertion_type: 'x' }]) {
      assert.equal((await send({ ...asked, ...added })).status, 401, JSON.stringify(added))
    }
    assert.equal((await send({ ...asked, refresh_token: 'x'.repeat(9000) })).status, 400)
    const both = await stage.send('/userinfo', {
      method: 'POST',
      headers: { ...formType, authorization: 'Bearer !' },
      body: `access_token=${first.accessToken}`,
    })
    assert.equal(both.status, 400, 'a broken header beside a good token')
    await assertUnchanged(app, first)
  })
})
