/** What a script sees of `pawl details`, and of the flags about requests. */

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runHere } from './fixture.test.ts'

let home: string

before(() => {
  home = mkdtempSync(join(tmpdir(), 'pawl-details-'))
})

after(() => {
  rmSync(home, { recursive: true })
})

const files = {
  type: 'files',
  sentence: 'Use your files in {path}',
  resources: [],
  schema: { type: 'object', required: ['path'], properties: { path: { type: 'string' } } },
}

describe('pawl details', () => {
  it('puts a type there out of a document, shows, lists and removes it', async () => {
    const put = await json(['details', 'put', fileOf('files.json', JSON.stringify(files))])
    assert.equal(typeof put['created_at'], 'string')
    assert.deepEqual({ ...put, created_at: undefined }, { ...files, created_at: undefined })
    assert.deepEqual(await json(['details', 'show', 'files']), put)
    assert.deepEqual(await json(['details', 'list']), [put])
    const words = await run(['details', 'list'])
    assert.match(words.out, /^TYPE +SENTENCE/)
    assert.match(words.out, /files +Use your files in \{path\}/)
    await json(['details', 'remove', 'files'])
    assert.deepEqual(await json(['details', 'list']), [])
  })

  it('says in a sentence what is wrong, with an exit code that tells what kind of wrong', async () => {
    const noJson = await run(['details', 'put', fileOf('broken.json', '{')])
    assert.deepEqual([noJson.exitCode, /is not JSON/.test(noJson.err)], [2, true])
    const nowhere = await run(['details', 'put', join(home, 'nowhere.json')])
    assert.deepEqual([nowhere.exitCode, /cannot be read/.test(nowhere.err)], [2, true])
    const unsaid = await run([
      'details',
      'put',
      fileOf('unsaid.json', JSON.stringify({ ...files, sentence: 'Use {x}' })),
    ])
    assert.deepEqual([unsaid.exitCode, /\{x\}/.test(unsaid.err)], [2, true])
    const unknown = await run(['details', 'show', 'nothing'])
    assert.deepEqual([unknown.exitCode, /There is no type "nothing"/.test(unknown.err)], [1, true])
  })
})

describe('pawl client add', () => {
  it('takes how a client asks and is answered, and takes it back', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwks = fileOf('keys.json', JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }))
    const about = ['--require-par', '--require-signed-requests', '--request-alg', 'ES256', '--response-alg', 'RS256']
    const more = ['--response-encryption', 'ECDH-ES,A256GCM', '--details-type', 'files', '--details-type', 'mail']
    const words = ['--kind', 'web', '--redirect', 'https://a.example/cb', '--jwks', jwks]
    const added = await json(['client', 'add', 'shop', ...words, ...about, ...more])
    assert.equal(added['require_pushed_authorization_requests'], true)
    assert.equal(added['require_signed_request_object'], true)
    assert.equal(added['request_object_signing_alg'], 'ES256')
    assert.equal(added['authorization_signed_response_alg'], 'RS256')
    assert.equal(added['authorization_encrypted_response_alg'], 'ECDH-ES')
    assert.equal(added['authorization_encrypted_response_enc'], 'A256GCM')
    assert.deepEqual(added['authorization_details_types'], ['files', 'mail'])
    const back = ['--no-require-par', '--no-require-signed-requests', '--no-response-encryption']
    const changed = await json(['client', 'set', 'shop', ...back])
    assert.equal(changed['require_pushed_authorization_requests'], false)
    assert.equal(changed['require_signed_request_object'], false)
    assert.equal('authorization_encrypted_response_alg' in changed, false)
    assert.equal(changed['request_object_signing_alg'], 'ES256')
  })
})

function fileOf(name: string, text: string): string {
  const path = join(home, name)
  writeFileSync(path, text)
  return path
}

function run(words: readonly string[]) {
  return runHere([...words, '--data', join(home, 'data')])
}

async function json(words: readonly string[]): Promise<{ readonly [name: string]: unknown }> {
  const { exitCode, out, err } = await run([...words, '--json'])
  assert.deepEqual([exitCode, err], [0, ''])
  return JSON.parse(out) as { readonly [name: string]: unknown }
}
