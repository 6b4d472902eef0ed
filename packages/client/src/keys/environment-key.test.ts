import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { custodyKeyFrom, encodeBase64Url, type Place } from '../custody/custody-key.ts'
import { drawBytes } from '../custody/entropy.ts'
import { environmentCustodyKey } from './environment-key.ts'

const place: Place = { issuer: 'https://login.example.com', clientId: 'app', name: 'grant', version: 'v' }
const mine = drawBytes(32)
const older = drawBytes(32)

describe('a custody key out of the environment', () => {
  it('is the one that PAWL_CUSTODY_KEY says', async () => {
    const key = await environmentCustodyKey({ environment: { PAWL_CUSTODY_KEY: encodeBase64Url(mine) } })
    assert.equal(await opened(key, mine), 'text')
  })

  it('is looked up in the process, under another name where one is given', async test => {
    process.env['PAWL_TEST_CUSTODY_KEY'] = encodeBase64Url(mine)
    test.after(() => {
      delete process.env['PAWL_TEST_CUSTODY_KEY']
    })
    assert.equal(await opened(await environmentCustodyKey({ variable: 'PAWL_TEST_CUSTODY_KEY' }), mine), 'text')
  })

  it('may be several, the first of which seals', async () => {
    const text = [mine, older].map(encodeBase64Url).join(', ')
    const key = await environmentCustodyKey({ environment: { PAWL_CUSTODY_KEY: text } })
    assert.equal(await opened(key, mine), 'text')
    assert.equal(await opened(key, older), 'text')
    assert.equal(await (await custodyKeyFrom(mine)).open(await key.seal('fresh', place), place), 'fresh')
  })

  it('may lie in a file of its owner alone, with a line end', async test => {
    const path = await keyFile(test, `${encodeBase64Url(mine)}\n`, 0o600)
    assert.equal(
      await opened(await environmentCustodyKey({ environment: { PAWL_CUSTODY_KEY_FILE: path } }), mine),
      'text',
    )
  })

  for (const mode of [0o604, 0o640, 0o644, 0o620]) {
    it(`is refused from a file of mode ${mode.toString(8)}`, async test => {
      const path = await keyFile(test, encodeBase64Url(mine), mode)
      await refused({ PAWL_CUSTODY_KEY_FILE: path }, 'unusable', /can be read by others: run chmod 600/)
    })
  }

  it('is refused from a file that is not there, and from one too large', async test => {
    await refused({ PAWL_CUSTODY_KEY_FILE: '/nowhere/key' }, 'unreachable', /nowhere\/key cannot be read/)
    const path = await keyFile(test, 'A'.repeat(5000), 0o600)
    await refused({ PAWL_CUSTODY_KEY_FILE: path }, 'unusable', /too large/)
  })

  it('says what to set where nothing is, and what to take away where both are', async () => {
    await refused({}, 'absent', /set PAWL_CUSTODY_KEY, or PAWL_CUSTODY_KEY_FILE .*openssl rand/)
    await refused({ PAWL_CUSTODY_KEY: 'a', PAWL_CUSTODY_KEY_FILE: 'b' }, 'unusable', /both set/)
  })

  const text = 'correct horse battery staple 123'
  const counting = Uint8Array.from({ length: 32 }, (_one, at) => 250 + at * 3)
  const unfit: { readonly [what: string]: string } = {
    empty: '',
    'too short': encodeBase64Url(mine.subarray(1)),
    'too long': encodeBase64Url(drawBytes(33)),
    padded: `${encodeBase64Url(mine)}=`,
    'in hexadecimal': Buffer.from(mine).toString('hex'),
    'in plain base64': `${'+/'.repeat(21)}8`,
    'one byte over and over': encodeBase64Url(new Uint8Array(32).fill(7)),
    'all zero': encodeBase64Url(new Uint8Array(32)),
    'a short pattern': encodeBase64Url(Uint8Array.from({ length: 32 }, (_one, at) => at % 5)),
    'half a key twice': encodeBase64Url(Uint8Array.of(...mine.subarray(0, 16), ...mine.subarray(0, 16))),
    'a passphrase': text,
    'a passphrase in base64url': encodeBase64Url(Buffer.from(text)),
    'words that decode': 'correct-horse-battery-staple-and-forty-mor8',
    'counting up': encodeBase64Url(counting),
    'a good key and an empty one': `${encodeBase64Url(mine)},`,
  }
  for (const [what, key] of Object.entries(unfit)) {
    it(`is refused when it is ${what}, without being shown`, async () => {
      const error = await refused({ PAWL_CUSTODY_KEY: key }, 'unusable', /PAWL_CUSTODY_KEY, key [12], .*Make one with/)
      if (key !== '') assert.ok(!inspect(error, { depth: 9 }).includes(key.slice(0, 12)))
    })
  }

  it('is never refused when it was drawn', async () => {
    const drawn = Array.from({ length: 2000 }, () => encodeBase64Url(drawBytes(32)))
    await Promise.all(drawn.map(key => environmentCustodyKey({ environment: { PAWL_CUSTODY_KEY: key } })))
    assert.equal(new Set(drawn).size, 2000)
  })
})

async function opened(key: Awaited<ReturnType<typeof environmentCustodyKey>>, bytes: Uint8Array<ArrayBuffer>) {
  return key.open(await (await custodyKeyFrom(bytes)).seal('text', place), place)
}

async function refused(
  environment: { readonly [name: string]: string },
  reason: string,
  message: RegExp,
): Promise<unknown> {
  let refusal: unknown
  await assert.rejects(environmentCustodyKey({ environment }), error => {
    refusal = error
    return true
  })
  assert.ok(refusal instanceof Error && 'reason' in refusal)
  assert.deepEqual([refusal.name, refusal.reason], ['CustodyKeyUnavailable', reason])
  assert.match(refusal.message, message)
  return refusal
}

async function keyFile(test: TestContext, text: string, mode: number): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pawl-key-'))
  test.after(() => rm(directory, { recursive: true }))
  const path = join(directory, 'key')
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}
