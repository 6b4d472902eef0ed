/**
 * Client certificates, read off a TLS connection or out of the header of a trusted proxy (RFC 8705, RFC 9440). That the
 * client holds the key was proven in the handshake; who vouches for the certificate is looked at here, and only where the
 * operator named authorities. Each must have issued it itself: a chain is not followed, so every authority that issues
 * certificates for clients is named.
 */

import { hash, X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type {
  NameAttribute,
  PresentedCertificate,
  SubjectAltName,
} from '../domain/certificate/presented-certificate.ts'

export interface CertificateRules {
  /** PEM texts of those who vouch for clients. Empty: nobody does, and a certificate only stands for itself. */
  readonly authorities: readonly string[]
  /** The header in which trusted proxies hand certificates on, in lower case, or null. */
  readonly header: string | null
  readonly nowMs: () => number
}

export interface CertificateReader {
  readonly header: string | null
  readonly ofSocket: (socket: Socket) => PresentedCertificate | null
  /** Null for what is no certificate. */
  readonly ofHeader: (text: string) => PresentedCertificate | null
  readonly ofDer: (der: Uint8Array) => PresentedCertificate | null
  /**
   * From now on these authorities vouch for clients, and no others, also where a connection is open. Throws as
   * `certificateReader` does, and then those of before go on.
   */
  readonly trust: (authorities: readonly string[]) => void
}

/** A certificate of a 16384-bit key with many names fits. */
export const certificateBytesMax = 16_384
/** Read certificates that are remembered, of proxies' headers. */
export const certificatesKeptMax = 1_024

/** Throws a `RangeError` with a sentence for the operator where an authority cannot be read or is none. */
export function certificateReader({ authorities, header, nowMs }: CertificateRules): CertificateReader {
  let vouching = authorities.map(authorityOf)
  let bySocket = new WeakMap<Socket, ReadCertificate | null>()
  const byText = new Map<string, ReadCertificate | null>()
  const read = (der: Uint8Array): ReadCertificate | null => readCertificate(der, vouching)

  return {
    header,
    ofSocket: socket => {
      if (!(socket instanceof TLSSocket)) return null
      const known = bySocket.get(socket)
      if (known !== undefined) return presented(known, nowMs())
      const shown = socket.getPeerX509Certificate()
      const certificate = shown === undefined ? null : read(shown.raw)
      bySocket.set(socket, certificate)
      return presented(certificate, nowMs())
    },
    ofHeader: text => {
      const known = byText.get(text)
      if (known !== undefined) return presented(known, nowMs())
      const der = derIn(text)
      const certificate = der === null ? null : read(der)
      const [oldest] = byText.keys()
      if (byText.size >= certificatesKeptMax && oldest !== undefined) byText.delete(oldest)
      byText.set(text, certificate)
      return presented(certificate, nowMs())
    },
    ofDer: der => presented(read(der), nowMs()),
    trust: renewed => {
      vouching = renewed.map(authorityOf)
      bySocket = new WeakMap()
      byText.clear()
    },
  }
}

/** What does not change with time. */
interface ReadCertificate extends Omit<PresentedCertificate, 'verified'> {
  readonly vouchedUntilMs: number
  readonly vouchedFromMs: number
}

/** A certificate is vouched for while both it and the authority are valid. */
function presented(read: ReadCertificate | null, nowMs: number): PresentedCertificate | null {
  if (read === null) return null
  const { vouchedFromMs, vouchedUntilMs, ...certificate } = read
  return { ...certificate, verified: nowMs >= vouchedFromMs && nowMs < vouchedUntilMs }
}

function authorityOf(pem: string): X509Certificate {
  const certificate = parsed(Buffer.from(pem))
  if (certificate === null) throw new RangeError('a certificate authority for clients is no PEM certificate')
  if (!certificate.ca) {
    const name = certificate.subject.replaceAll('\n', ', ').slice(0, 200)
    throw new RangeError(`the certificate of ${name} is not that of an authority, so it can vouch for no client`)
  }
  return certificate
}

function readCertificate(der: Uint8Array, authorities: readonly X509Certificate[]): ReadCertificate | null {
  const certificate = der.length > certificateBytesMax ? null : parsed(der)
  if (certificate === null) return null
  const issuer = isForClients(certificate)
    ? authorities.find(authority => isIssuedBy(certificate, authority))
    : undefined
  const [validFromMs, validToMs] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()]
  return {
    thumbprint: hash('sha256', certificate.raw, 'base64url'),
    derBytes: certificate.raw,
    subject: attributesOf(certificate.subject),
    subjectAltNames: altNamesOf(certificate.subjectAltName ?? ''),
    vouchedFromMs: Math.max(validFromMs, issuer?.validFromDate.getTime() ?? Number.POSITIVE_INFINITY),
    vouchedUntilMs: Math.min(validToMs, issuer?.validToDate.getTime() ?? Number.NEGATIVE_INFINITY),
  }
}

function parsed(bytes: Uint8Array): X509Certificate | null {
  try {
    return new X509Certificate(bytes)
  } catch {
    // Bytes that are no certificate; what OpenSSL says of them helps nobody.
    return null
  }
}

/** By name, by key identifier and by signature, with an authority's key that may sign certificates. */
function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}

/** RFC 5280 §4.2.1.12: without the extension a key is for everything. */
function isForClients({ keyUsage }: X509Certificate): boolean {
  return keyUsage === undefined || keyUsage.includes(clientAuthentication) || keyUsage.includes(anyPurpose)
}

const clientAuthentication = '1.3.6.1.5.5.7.3.2'
const anyPurpose = '2.5.29.37.0'

/**
 * The three ways in use: a byte sequence between colons (RFC 9440 §2), as HAProxy and others were taught; bare base64 of
 * the DER; and percent-encoded PEM, as nginx and load balancers send it.
 */
function derIn(text: string): Uint8Array | null {
  if (text.length > headerCharactersMax) return null
  const bytes = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(text)?.[1] ?? /^[A-Za-z0-9+/]+={0,2}$/.exec(text)?.[0]
  if (bytes !== undefined) return Buffer.from(bytes, 'base64')
  const pem = /%/.test(text) ? percentDecoded(text) : null
  const body = /^-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/.exec(pem ?? '')?.[1]
  return body === undefined ? null : Buffer.from(body.replaceAll(/\s/g, ''), 'base64')
}

/** Base64 makes four of three, and an escape three of one. */
const headerCharactersMax = 3 * certificateBytesMax

function percentDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    // A stray percent sign is no PEM.
    return null
  }
}

/**
 * The attributes as Node writes them: one a line in the order of the certificate, values escaped as RFC 2253 §2.4 has it.
 * Anything else, such as several attributes in one line, is no name we compare, and an empty list is nobody's.
 */
function attributesOf(subject: string): readonly NameAttribute[] {
  const attributes = subject.split('\n').map(attributeOf)
  return attributes.every(attribute => attribute !== null) ? attributes : []
}

function attributeOf(line: string): NameAttribute | null {
  const [, type, escaped] = /^([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)=((?:\\.|[^\\+])*)$/s.exec(line) ?? []
  if (type === undefined || escaped === undefined) return null
  const bytes = [...escaped.matchAll(/\\([0-9A-Fa-f]{2})|\\(.)|([^\\])/gsu)].map(([, hex, special, plain]) =>
    hex === undefined ? Buffer.from(special ?? plain ?? '') : Buffer.from(hex, 'hex'),
  )
  return { type: type.toUpperCase(), value: Buffer.concat(bytes).toString('utf8') }
}

/** As Node writes them, with quotes round what could be misread. A kind nobody here compares is passed over. */
function altNamesOf(text: string): readonly SubjectAltName[] {
  const names: SubjectAltName[] = []
  let at = 0
  for (const match of text.matchAll(/(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)/g)) {
    if (match.index !== at) return []
    at += match[0].length
    const [, label = '', written = ''] = match
    const kind = altNameKinds.get(label)
    const value = written.startsWith('"') ? unquoted(written) : written
    if (kind !== undefined && value !== null && value !== '') names.push({ kind, value })
  }
  return at === text.length ? names : []
}

const altNameKinds: ReadonlyMap<string, SubjectAltName['kind']> = new Map([
  ['DNS', 'dns'],
  ['URI', 'uri'],
  ['IP Address', 'ip'],
  ['email', 'email'],
])

function unquoted(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : null
  } catch {
    // Quoted in a way that is not JSON's: no name we compare.
    return null
  }
}
