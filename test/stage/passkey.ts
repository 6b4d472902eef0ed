/** An authenticator in software: makes passkeys and answers for them as WebAuthn §6.3 has it, or not quite. */

import { createHash, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'

export interface SoftPasskey {
  readonly id: string
  /** `RegistrationResponseJSON`, as text. */
  readonly creation: (asked: Asked, lie?: Lie) => string
  /** `AuthenticationResponseJSON`, as text. */
  readonly use: (asked: Asked, lie?: Lie) => string
}

export interface Asked {
  readonly challenge: string
  readonly origin: string
  readonly rpId: string
  /** The user handle, as text; null leaves it out. */
  readonly subject: string | null
}

/** What differs from what was asked for. */
export interface Lie {
  readonly challenge?: string
  readonly origin?: string
  readonly rpId?: string
  readonly type?: string
  readonly counter?: number
  readonly isUserPresent?: boolean
  readonly isUserVerified?: boolean
  readonly signsOtherwise?: boolean
}

/** Counts its uses, unless it is told to stay at 0. */
export function softPasskey(name: string, counts = true): SoftPasskey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const id = createHash('sha256').update(name).digest()
  let uses = 0

  const counterOf = (lie: Lie): number => {
    uses += counts ? 1 : 0
    return lie.counter ?? uses
  }

  return {
    id: id.toString('base64url'),
    creation: (asked, lie = {}) => {
      const data = authenticatorData(asked, lie, counterOf(lie), attested(id, publicKey))
      const response = {
        clientDataJSON: clientData('webauthn.create', asked, lie).toString('base64url'),
        attestationObject: attestationObject(data).toString('base64url'),
        transports: ['internal'],
      }
      return JSON.stringify({ ...described(id), response })
    },
    use: (asked, lie = {}) => {
      const data = authenticatorData(asked, lie, counterOf(lie), null)
      const client = clientData('webauthn.get', asked, lie)
      const signed = Buffer.concat([data, createHash('sha256').update(client).digest()])
      if (lie.signsOtherwise === true) signed.writeUInt8(signed.readUInt8(0) ^ 1, 0)
      const response = {
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: createSign('sha256').update(signed).sign(privateKey).toString('base64url'),
        ...(asked.subject === null ? {} : { userHandle: Buffer.from(asked.subject).toString('base64url') }),
      }
      return JSON.stringify({ ...described(id), response })
    },
  }
}

function described(id: Buffer) {
  const text = id.toString('base64url')
  return { id: text, rawId: text, type: 'public-key', clientExtensionResults: {}, authenticatorAttachment: 'platform' }
}

function clientData(type: string, asked: Asked, lie: Lie): Buffer {
  const { challenge, origin } = { ...asked, ...lie }
  return Buffer.from(JSON.stringify({ type: lie.type ?? type, challenge, origin, crossOrigin: false }))
}

/** WebAuthn §6.1: hash of the domain, flags, count, and the key where one was made. */
function authenticatorData(asked: Asked, lie: Lie, counter: number, attestedData: Buffer | null): Buffer {
  const { isUserPresent = true, isUserVerified = true } = lie
  const flags = (isUserPresent ? 0x01 : 0) | (isUserVerified ? 0x04 : 0) | (attestedData === null ? 0 : 0x40)
  const head = Buffer.alloc(37)
  createHash('sha256')
    .update(lie.rpId ?? asked.rpId)
    .digest()
    .copy(head)
  head.writeUInt8(flags, 32)
  head.writeUInt32BE(counter, 33)
  return attestedData === null ? head : Buffer.concat([head, attestedData])
}

/** The model is not told (16 zeros), the id, and the key in COSE (RFC 9053 §7.1.1). */
function attested(id: Buffer, publicKey: KeyObject): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const cose = Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'),
    Buffer.from(x, 'base64url'),
    Buffer.from('225820', 'hex'),
    Buffer.from(y, 'base64url'),
  ])
  const length = Buffer.alloc(2)
  length.writeUInt16BE(id.length)
  return Buffer.concat([Buffer.alloc(16), length, id, cose])
}

/** CBOR of `{ fmt: 'none', attStmt: {}, authData }` (WebAuthn §6.5.4, §8.7). */
function attestationObject(data: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(data.length)
  return Buffer.concat([
    Buffer.from('a3', 'hex'),
    Buffer.from('63666d74', 'hex'),
    Buffer.from('646e6f6e65', 'hex'),
    Buffer.from('6761747453746d74a0', 'hex'),
    Buffer.from('686175746844617461', 'hex'),
    Buffer.from('59', 'hex'),
    length,
    data,
  ])
}
