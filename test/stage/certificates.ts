/**
 * Certificates for tests (RFC 5280), made here so that no program has to be there to make them: of authorities, of
 * servers, and of clients, signed by an authority or by themselves. EC keys on P-256, valid from a year ago to in ten.
 */

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface Certificate {
  readonly der: Buffer
  readonly pem: string
  readonly keyPem: string
  readonly publicKey: KeyObject
  readonly signer: Signer
}

/** Who issues: a name and a key. */
export interface Signer {
  readonly subject: Buffer
  readonly privateKey: KeyObject
}

export interface CertificateOf {
  /** In the order of the certificate: `['C', 'GB']` first, `['CN', …]` last. */
  readonly subject: readonly (readonly [keyof typeof attributeOids, string])[]
  readonly dns?: readonly string[]
  readonly uri?: readonly string[]
  readonly email?: readonly string[]
  /** IPv4 only. */
  readonly ip?: readonly string[]
  readonly kind: 'authority' | 'server' | 'client'
  /** The authority; without one it signs itself. */
  readonly issuer?: Certificate
  readonly validFrom?: Date
  readonly validTo?: Date
}

export function newCertificate(of: CertificateOf): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = nameOf(of.subject)
  const signer = { subject, privateKey }
  const issuer = of.issuer?.signer ?? signer
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    issuer.subject,
    sequence(time(of.validFrom ?? new Date('2020-01-01T00:00:00Z')), time(of.validTo ?? new Date('2049-12-31T23:59:59Z'))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensionsOf(of))),
  )
  const signature = sign('sha256', body, issuer.privateKey)
  const der = sequence(body, ecdsaWithSha256, tagged(0x03, Buffer.from([0]), signature))
  return { der, pem: pemOf(der), keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), publicKey, signer }
}

const attributeOids = { CN: '2.5.4.3', C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11' } as const

function nameOf(subject: CertificateOf['subject']): Buffer {
  return sequence(...subject.map(([type, value]) => tagged(0x31, sequence(oid(attributeOids[type]), utf8(value)))))
}

function extensionsOf({ kind, dns = [], uri = [], email = [], ip = [] }: CertificateOf): readonly Buffer[] {
  const names = [
    ...email.map(text => tagged(0x81, Buffer.from(text))),
    ...dns.map(text => tagged(0x82, Buffer.from(text))),
    ...uri.map(text => tagged(0x86, Buffer.from(text))),
    ...ip.map(text => tagged(0x87, Buffer.from(text.split('.').map(Number)))),
  ]
  const altNames = names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names))]
  if (kind === 'authority') {
    const mayIssue = sequence(tagged(0x01, Buffer.from([0xff])))
    return [extension('2.5.29.19', mayIssue), extension('2.5.29.15', keyCertSign), ...altNames]
  }
  const purpose = kind === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2'
  return [extension('2.5.29.37', sequence(oid(purpose))), ...altNames]
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), tagged(0x04, value))
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(0x30, ...parts)
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes)
}

function utf8(text: string): Buffer {
  return tagged(0x0c, Buffer.from(text))
}

/** UTCTime: what ends before 2050 (RFC 5280 §4.1.2.5). */
function time(date: Date): Buffer {
  return tagged(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): readonly number[] {
  const digits = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80)
  return digits
}

function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content])
}

function lengthOf(length: number): readonly number[] {
  if (length < 0x80) return [length]
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))
const keyCertSign = Buffer.from([0x03, 0x02, 0x02, 0x04])
