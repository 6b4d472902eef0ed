/** TLS of our own, and the certificates of clients: in TLS here, or in the header of a proxy (RFC 8705, RFC 9440). */

import { z } from 'zod'
import { judgeIssuer } from './issuer.ts'
import { described, nullableText } from './setting-kinds.ts'

export const tlsSettings = {
  tlsCert: described(nullableText(), {
    unit: 'file',
    description:
      'The certificate to serve https with, and those between it and its root, as PEM. Unset: plain http, for a proxy that ends TLS.',
  }),
  tlsKey: described(nullableText(), { unit: 'file', description: 'The private key of that certificate, as PEM.' }),
  mtlsPort: described(z.int().min(0).max(65_535).nullable().default(null), {
    unit: 'TCP port',
    description:
      'A second port, on which clients are asked for certificates (RFC 8705); browsers never are. Takes --tls-cert; 0 takes a free one.',
  }),
  mtlsUrl: described(nullableText(judgeMtlsUrl), {
    unit: 'URL',
    description:
      'Where clients that show certificates reach this server, for mtls_endpoint_aliases. Unset: the host of the issuer with --mtls-port; none behind a proxy, where it is the issuer itself.',
  }),
  tlsClientCa: described(nullableText(), {
    unit: 'file',
    description:
      'The authorities that issue certificates for clients themselves, as PEM. Unset: certificates only stand for themselves (self_signed_tls_client_auth and bound tokens).',
  }),
  clientCertificateHeader: described(
    z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/)
      .nullable()
      .default(null),
    {
      unit: 'name',
      description:
        'The header in which a --trusted-proxy hands on the certificate of the client: Client-Cert (RFC 9440), or one with percent-encoded PEM or base64. The proxy must take it out of what clients send.',
    },
  ),
}

export type TlsSettings = z.infer<z.ZodObject<typeof tlsSettings>>

/** How clients show certificates, or that they do not. */
export interface ClientCertificates {
  /** Where they are shown, if that is not the issuer itself. */
  readonly url: string | null
}

/** Null where nobody can show a certificate. The port is the one that is listened on. */
export function clientCertificatesOf(settings: TlsSettings, issuer: string): ClientCertificates | null {
  const { mtlsPort, mtlsUrl, clientCertificateHeader } = settings
  if (mtlsPort === null && clientCertificateHeader === null) return null
  if (mtlsUrl !== null || mtlsPort === null) return { url: mtlsUrl }
  const { hostname } = new URL(issuer)
  return { url: new URL(`https://${hostname}:${mtlsPort}`).origin }
}

/** A sentence that says what does not go together, or null. */
export function judgeTls(
  settings: TlsSettings & { readonly trustedProxies: readonly string[]; readonly issuer: string | null },
): string | null {
  const { tlsCert, tlsKey, mtlsPort, mtlsUrl, tlsClientCa, clientCertificateHeader, trustedProxies, issuer } = settings
  const isAsked = mtlsPort !== null || clientCertificateHeader !== null
  if ((tlsCert === null) !== (tlsKey === null))
    return '--tls-cert and --tls-key belong together: give both, or neither.'
  if (mtlsPort !== null && tlsCert === null) {
    return '--mtls-port speaks TLS: give it --tls-cert and --tls-key, or let a proxy ask for certificates (--client-certificate-header).'
  }
  if (clientCertificateHeader !== null && trustedProxies.length === 0) {
    return '--client-certificate-header is believed of a --trusted-proxy alone: name the proxy, or leave the header out.'
  }
  if (tlsClientCa !== null && !isAsked) {
    return '--tls-client-ca vouches for certificates that nobody is asked for: add --mtls-port or --client-certificate-header.'
  }
  if (mtlsUrl !== null && !isAsked) {
    return '--mtls-url names a place where nobody is asked for certificates: add --mtls-port or --client-certificate-header.'
  }
  if (tlsCert !== null && issuer !== null && issuer.startsWith('http:')) {
    return `With --tls-cert the server speaks https: write the issuer as ${issuer.replace('http:', 'https:')}.`
  }
  return null
}

/** As an issuer, because endpoints are named below it. */
function judgeMtlsUrl(text: string): string | null {
  const refusal = judgeIssuer(text)
  if (refusal !== null) return refusal.replace('an issuer', 'the URL').replace('the issuer', 'the URL')
  return text.startsWith('https:') ? null : 'certificates are shown in TLS: write https'
}
