/** Certificates for tests that speak TLS: an authority, and what it vouches for. P-256, and good in this century. */

import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509CertificateCreateCommonParams,
} from '@peculiar/x509'

type Keys = Awaited<ReturnType<typeof newKeys>>

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const inThisCentury = { notBefore: new Date('2001-01-01'), notAfter: new Date('2100-01-01') }

/** Both as PEM. */
export interface Certificate {
  readonly certificate: string
  readonly privateKey: string
}

export interface Authority extends Certificate {
  /** A certificate of this authority for these host names. */
  readonly vouchFor: (hosts: readonly string[]) => Promise<Certificate>
}

/** An authority that signed itself. */
export async function makeAuthority(name: string): Promise<Authority> {
  const keys = await newKeys()
  const issuer = `CN=${name}`
  const self = {
    serialNumber: '01',
    subject: issuer,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  }
  return {
    ...(await certificateOf(keys, { ...self, issuer, signingKey: keys.privateKey })),
    vouchFor: async hosts => {
      const names = new SubjectAlternativeNameExtension(hosts.map(value => ({ type: 'dns' as const, value })))
      const theirs = { serialNumber: '02', subject: `CN=${hosts[0] ?? ''}`, extensions: [names] }
      return certificateOf(await newKeys(), { ...theirs, issuer, signingKey: keys.privateKey })
    },
  }
}

async function certificateOf(
  keys: Keys,
  said: X509CertificateCreateCommonParams & { readonly signingKey: Keys['privateKey'] },
): Promise<Certificate> {
  const publicKey = await crypto.subtle.exportKey('spki', keys.publicKey)
  const made = await X509CertificateGenerator.create({
    ...inThisCentury,
    signingAlgorithm: algorithm,
    ...said,
    publicKey,
  })
  const bytes = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const privateKey = `-----BEGIN PRIVATE KEY-----\n${bytes.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
  return { certificate: made.toString('pem'), privateKey }
}

function newKeys() {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}
