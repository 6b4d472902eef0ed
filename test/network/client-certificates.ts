/** Certificates of clients, and who vouches for them: everything that a test may want to be wrong with one. */

import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type JsonGeneralNames,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

type Keys = Awaited<ReturnType<typeof newKeys>>

export interface ClientCertificate {
  readonly pem: string
  readonly der: Buffer
  /** PEM. */
  readonly privateKey: string
}

export interface CertificateWishes {
  /** As RFC 4514 writes it. */
  readonly subject?: string
  readonly names?: JsonGeneralNames
  readonly purposes?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** True: an authority itself. */
  readonly isAuthority?: boolean
}

export interface ClientAuthority extends ClientCertificate {
  readonly issue: (wishes?: CertificateWishes) => Promise<ClientCertificate>
  readonly issueAuthority: (name: string) => Promise<ClientAuthority>
}

export async function clientAuthority(name: string): Promise<ClientAuthority> {
  const keys = await newKeys()
  const subject = `CN=${name}`
  return authorityOf(keys, subject, await made(keys, { subject, isAuthority: true }, { issuer: subject, keys }))
}

/** Signed by its own key: what nobody vouches for. */
export async function selfSigned(wishes: CertificateWishes = {}): Promise<ClientCertificate> {
  const keys = await newKeys()
  return made(keys, wishes, { issuer: wishes.subject ?? standardSubject, keys })
}

const standardSubject = 'CN=shop, O=Example, C=GB'
let serial = 16

function authorityOf(keys: Keys, subject: string, own: ClientCertificate): ClientAuthority {
  return {
    ...own,
    issue: async wishes => made(await newKeys(), wishes ?? {}, { issuer: subject, keys }),
    issueAuthority: async name => {
      const theirs = await newKeys()
      const wishes = { subject: `CN=${name}`, isAuthority: true }
      return authorityOf(theirs, wishes.subject, await made(theirs, wishes, { issuer: subject, keys }))
    },
  }
}

async function made(
  keys: Keys,
  wishes: CertificateWishes,
  signer: { readonly issuer: string; readonly keys: Keys },
): Promise<ClientCertificate> {
  serial += 1
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial.toString(16).padStart(4, '0'),
    subject: wishes.subject ?? standardSubject,
    issuer: signer.issuer,
    notBefore: wishes.notBefore ?? new Date('2020-01-01'),
    notAfter: wishes.notAfter ?? new Date('2100-01-01'),
    signingAlgorithm: algorithm,
    signingKey: signer.keys.privateKey,
    publicKey: await crypto.subtle.exportKey('spki', keys.publicKey),
    extensions: [
      new BasicConstraintsExtension(wishes.isAuthority ?? false, undefined, true),
      ...(wishes.names === undefined ? [] : [new SubjectAlternativeNameExtension(wishes.names)]),
      ...(wishes.purposes === undefined ? [] : [new ExtendedKeyUsageExtension([...wishes.purposes])]),
    ],
  })
  const bytes = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const privateKey = `-----BEGIN PRIVATE KEY-----\n${bytes.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
  return { pem: certificate.toString('pem'), der: Buffer.from(certificate.rawData), privateKey }
}

function newKeys() {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}
