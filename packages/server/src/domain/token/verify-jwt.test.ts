import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { signingAlgorithms } from '../client/signing-algorithm.ts'
import { keysNamed, seededEntropy, signingKeysInMemory } from '../keys/fixture.test.ts'
import { sealer } from '../keys/seal.ts'
import type { SigningKey } from '../keys/signing-key.ts'
import { openSigningKeys, type SigningKeys } from '../keys/signing-keys.ts'
import { signJwt } from './sign-jwt.ts'
import { type Expectation, jwtCharactersMax, verifyJwt } from './verify-jwt.ts'

const nowMs = 1_800_000_000_000
const issuedAt = nowMs / 1000
const issuer = 'https://id.example.com'
const claims = { iss: issuer, sub: 'alice', iat: issuedAt, exp: issuedAt + 300 }
const accessToken: Expectation = { typ: 'at+jwt', issuer, nowMs, expired: 'refused' }

let keys: SigningKeys
let ec: SigningKey
let rsa: SigningKey
let good: string

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token with any header and payload, honestly signed with our own private key: only the strictness can refuse it. */
function signedByUs(header: unknown, payload: unknown, key: KeyObject = ec.privateKey): string {
  const signed = `${encode(header)}.${encode(payload)}`
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

async function refuses(text: string, expected: Expectation = accessToken): Promise<void> {
  assert.equal(await verifyJwt(keys, text, expected), null)
}

before(async () => {
  const entropy = seededEntropy('verify')
  keys = await openSigningKeys({
    store: signingKeysInMemory(),
    sealer: sealer(keysNamed(1), entropy),
    entropy,
    now: () => Promise.resolve(nowMs),
    firstPublishSeconds: 0,
    report: error => assert.fail(String(error)),
  })
  ec = keys.current('ES256', nowMs)
  rsa = keys.current('RS256', nowMs)
  good = signJwt(ec, 'at+jwt', claims)
})

describe('verifyJwt', () => {
  it('takes what signJwt made, with either algorithm, and gives its claims', async () => {
    assert.deepEqual(await verifyJwt(keys, good, accessToken), claims)
    const idToken = signJwt(rsa, 'JWT', { ...claims, auth_time: issuedAt })
    assert.deepEqual(await verifyJwt(keys, idToken, { ...accessToken, typ: 'JWT' }), { ...claims, auth_time: issuedAt })
  })

  it('takes a token to its last millisecond and refuses it from the next, unless expiry is allowed', async () => {
    const lastMs = (issuedAt + 300) * 1000 - 1
    assert.notEqual(await verifyJwt(keys, good, { ...accessToken, nowMs: lastMs }), null)
    await refuses(good, { ...accessToken, nowMs: lastMs + 1 })
    assert.notEqual(await verifyJwt(keys, good, { ...accessToken, nowMs: lastMs + 1, expired: 'allowed' }), null)
  })

  it('refuses a token before its nbf', async () => {
    const early = signJwt(ec, 'at+jwt', { ...claims, nbf: issuedAt + 1 })
    await refuses(early)
    assert.notEqual(await verifyJwt(keys, early, { ...accessToken, nowMs: nowMs + 1000 }), null)
  })

  it('JW-07 refuses one type as another and tokens of another issuer', async () => {
    await refuses(good, { ...accessToken, typ: 'JWT' })
    await refuses(signJwt(ec, 'JWT', claims))
    await refuses(signedByUs({ alg: 'ES256', typ: 'logout+jwt', kid: ec.kid }, claims), { ...accessToken, typ: 'JWT' })
    for (const other of [`${issuer}/`, 'https://ID.example.com', 'https://evil.example.com']) {
      await refuses(signJwt(ec, 'at+jwt', { ...claims, iss: other }))
    }
  })

  it('refuses every token with one bit changed anywhere', async () => {
    const parts = good.split('.')
    for (let part = 0; part < 3; part++) {
      const bytes = Buffer.from(parts[part] ?? '', 'base64url')
      for (let at = 0; at < bytes.length; at++) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ (1 << (at & 7))
        await refuses(parts.with(part, changed.toString('base64url')).join('.'))
      }
    }
  })

  it('refuses a text of any other shape, also one too long to be ours', async () => {
    const [header = '', payload = '', signature = ''] = good.split('.')
    const shapes = [
      '',
      '.',
      '..',
      '...',
      header,
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `.${payload}.${signature}`,
    ]
    const more = [`${good}.`, `${good}.${signature}`, `${header}..${signature}`, 'pawl_rt_AAAA', `${good},${good}`]
    for (const text of [...shapes, ...more]) await refuses(text)
    const long = signJwt(ec, 'at+jwt', { ...claims, filler: 'a'.repeat(jwtCharactersMax) })
    await refuses(long)
  })

  it('refuses a payload that is no JSON object', async () => {
    const header = { alg: 'ES256', typ: 'at+jwt', kid: ec.kid }
    for (const payload of ['null', '[]', '"text"', '1', '{', 'not json']) await refuses(signedByUs(header, payload))
    assert.notEqual(await verifyJwt(keys, signedByUs(header, claims), accessToken), null)
  })
})

describe('algorithms', () => {
  it('JW-02 each verifies what its own key signed, and nothing that another key or algorithm did', async () => {
    const signers: SigningKey[] = []
    for (const algorithm of signingAlgorithms) {
      await keys.prepare(algorithm, nowMs)
      signers.push(keys.current(algorithm, nowMs))
    }
    for (const key of signers) {
      const token = signJwt(key, 'at+jwt', claims)
      assert.deepEqual(await verifyJwt(keys, token, accessToken), claims, key.algorithm)
      const [header = '', payload = '', signature = ''] = token.split('.')
      for (const other of signers.filter(one => one !== key)) {
        const foreign = signJwt(other, 'at+jwt', claims).split('.')[2] ?? ''
        await refuses(`${header}.${payload}.${foreign}`)
        await refuses(`${other.encodedHeaders['at+jwt']}.${payload}.${signature}`)
      }
      const bytes = Buffer.from(signature, 'base64url')
      for (const length of [0, 1, bytes.length - 1]) {
        await refuses(`${header}.${payload}.${bytes.subarray(0, length).toString('base64url')}`)
      }
      for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ 1
        await refuses(`${header}.${payload}.${changed.toString('base64url')}`)
      }
    }
  })

  it('JW-01 alg none, in any spelling, missing or empty, with an empty or a real signature, is refused', async () => {
    const signature = good.split('.')[2] ?? ''
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null, undefined, ['ES256'], 256]) {
      const unsigned = `${encode({ alg, typ: 'at+jwt', kid: ec.kid })}.${encode(claims)}`
      for (const end of ['', signature, encode('none')]) await refuses(`${unsigned}.${end}`)
      await refuses(signedByUs({ alg, typ: 'at+jwt', kid: ec.kid }, claims))
    }
  })

  it('JW-02 HS256 with our public key as the secret, in any dress, is refused', async () => {
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const secrets = [
      pem,
      ` ${pem}`,
      pem.trim(),
      JSON.stringify(rsa.jwk),
      JSON.stringify(ec.jwk),
      ec.publicKey.export({ type: 'spki', format: 'der' }),
    ]
    for (const key of [rsa, ec]) {
      for (const secret of secrets) {
        const signed = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })}.${encode(claims)}`
        await refuses(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`)
        const dressed = `${key.encodedHeaders['at+jwt']}.${encode(claims)}`
        await refuses(`${dressed}.${createHmac('sha256', secret).update(dressed).digest('base64url')}`)
      }
    }
  })

  it('JW-02 the other algorithm of ours under this kid is refused', async () => {
    const signed = `${encode({ alg: 'RS256', typ: 'at+jwt', kid: ec.kid })}.${encode(claims)}`
    await refuses(`${signed}.${sign('sha256', Buffer.from(signed), rsa.privateKey).toString('base64url')}`)
    await refuses(signedByUs({ alg: 'ES256', typ: 'at+jwt', kid: rsa.kid }, claims))
  })

  it('JW-03 a key or the address of one in the header is refused, even honestly signed', async () => {
    const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = attacker.publicKey.export({ format: 'jwk' })
    const url = 'https://evil.example.com/keys'
    for (const extra of [{ jwk }, { jku: url }, { x5u: url }, { x5c: ['AAAA'] }, { x5t: 'AAAA' }, { jwk: ec.jwk }]) {
      const header = { alg: 'ES256', typ: 'at+jwt', kid: ec.kid, ...extra }
      await refuses(signedByUs(header, claims, attacker.privateKey))
      await refuses(signedByUs(header, claims))
    }
    for (const kid of ['', url, '../../etc/passwd', "' OR 1=1 --", 1, null, [ec.kid], { kid: ec.kid }]) {
      await refuses(signedByUs({ alg: 'ES256', typ: 'at+jwt', kid, jwk }, claims, attacker.privateKey))
    }
    await refuses(signedByUs({ alg: 'ES256', typ: 'at+jwt', kid: ec.kid }, claims, attacker.privateKey))
  })

  it('JW-05 crit and b64 are refused', async () => {
    for (const extra of [
      { crit: ['exp'], exp: 1 },
      { crit: ['b64'], b64: false },
      { b64: false },
      { b64: true },
      { crit: [] },
      { crit: 'b64' },
    ]) {
      await refuses(signedByUs({ alg: 'ES256', typ: 'at+jwt', kid: ec.kid, ...extra }, claims))
    }
  })

  it('JW-06 r or s of zero, DER, P-384 and a wrong width are refused; a high s is the same signature', async () => {
    const [header = '', payload = '', signature = ''] = good.split('.')
    const raw = Buffer.from(signature, 'base64url')
    const zeros = Buffer.alloc(32)
    const signed = Buffer.from(`${header}.${payload}`)
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
    const bad = [
      Buffer.concat([zeros, raw.subarray(32)]),
      Buffer.concat([raw.subarray(0, 32), zeros]),
      Buffer.alloc(64),
      Buffer.alloc(64, 0xff),
      sign('sha256', signed, ec.privateKey),
      sign('sha384', signed, { key: p384, dsaEncoding: 'ieee-p1363' }),
      raw.subarray(0, 63),
      Buffer.concat([raw, Buffer.alloc(1)]),
    ]
    for (const one of bad) await refuses(`${header}.${payload}.${one.toString('base64url')}`)
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const mirrored = (order - BigInt(`0x${raw.toString('hex', 32)}`)).toString(16).padStart(64, '0')
    const mirror = Buffer.concat([raw.subarray(0, 32), Buffer.from(mirrored, 'hex')]).toString('base64url')
    assert.deepEqual(await verifyJwt(keys, `${header}.${payload}.${mirror}`, accessToken), claims)
  })

  it('JW-11 padding, white space, the standard alphabet and stray bits are refused', async () => {
    const parts = good.split('.')
    const [header = '', payload = '', signature = ''] = parts
    const last = signature.at(-1) ?? ''
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    // 64 bytes leave four bits of the 86th character unused: 15 other characters decode to the same bytes.
    const strays = [...alphabet].filter(
      one => one !== last && alphabet.indexOf(one) >> 4 === alphabet.indexOf(last) >> 4,
    )
    assert.equal(strays.length, 15)
    for (const stray of strays) await refuses(`${header}.${payload}.${signature.slice(0, -1)}${stray}`)
    for (let part = 0; part < 3; part++) {
      const text = parts[part] ?? ''
      for (const changed of [
        `${text}=`,
        `${text}==`,
        ` ${text}`,
        `${text} `,
        `${text}\n`,
        `${text.slice(0, 5)}\t${text.slice(5)}`,
      ]) {
        await refuses(parts.with(part, changed).join('.'))
      }
    }
    const tilde = signJwt(ec, 'at+jwt', { ...claims, sub: '>>>???~~~' })
    assert.match(tilde, /[-_]/)
    await refuses(tilde.replaceAll('-', '+').replaceAll('_', '/'))
  })

  it('JW-12 times that are text, fractions, negative, missing or too large to be exact are refused', async () => {
    const header = { alg: 'ES256', typ: 'at+jwt', kid: ec.kid }
    const times = [
      '"1900000000"',
      '1e400',
      '-1',
      '9223372036854775808',
      '1900000000.5',
      'null',
      'true',
      '[1900000000]',
      '9007199254740992',
    ]
    for (const time of times) {
      await refuses(signedByUs(header, `{"iss":"${issuer}","iat":${issuedAt},"exp":${time}}`))
      await refuses(signedByUs(header, `{"iss":"${issuer}","iat":${time},"exp":${issuedAt + 300}}`))
      await refuses(signedByUs(header, `{"iss":"${issuer}","iat":${issuedAt},"exp":${issuedAt + 300},"nbf":${time}}`))
      await refuses(
        signedByUs(header, `{"iss":"${issuer}","iat":${issuedAt},"exp":${issuedAt + 300},"auth_time":${time}}`),
      )
    }
    await refuses(signedByUs(header, { iss: issuer, iat: issuedAt }))
    await refuses(signedByUs(header, { iss: issuer, exp: issuedAt + 300 }))
    await refuses(signedByUs(header, { iss: issuer, iat: issuedAt, exp: '1e400' }), {
      ...accessToken,
      expired: 'allowed',
    })
  })
})
