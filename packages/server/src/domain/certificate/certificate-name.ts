/** Is this certificate that client: the one name it is registered by, held against what the certificate says (RFC 8705 §2.1). */

import type { CertificateName } from '../client/client.ts'
import { parseIpv4, parseIpv6 } from '../throttle/network.ts'
import { isSameName, parseDistinguishedName } from './distinguished-name.ts'
import type { PresentedCertificate, SubjectAltName } from './presented-certificate.ts'

/** A half sentence that refuses the name, or null when a certificate can carry it. */
export function judgeCertificateName({ type, value }: CertificateName): string | null {
  switch (type) {
    case 'subject_dn':
      return parseDistinguishedName(value) === null ? 'it is no distinguished name (RFC 4514)' : null
    case 'san_dns':
      return /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?)*$/i.test(value)
        ? null
        : 'it is no DNS name, without a wildcard'
    case 'san_uri':
      return URL.canParse(value) ? null : 'it is no absolute URI'
    case 'san_ip':
      return canonicalAddress(value) === null ? 'it is no IP address' : null
    case 'san_email':
      return /^[!-?A-~]+@[!-?A-~]+$/.test(value) ? null : 'it is no e-mail address'
  }
}

/** True where the certificate carries the name. Whether it may be believed at all is another question. */
export function carriesName(certificate: PresentedCertificate, name: CertificateName): boolean {
  if (name.type === 'subject_dn') {
    const wanted = parseDistinguishedName(name.value)
    return wanted !== null && isSameName(wanted, certificate.subject)
  }
  return certificate.subjectAltNames.some(found => isSameAltName(name, found))
}

function isSameAltName({ type, value }: CertificateName, found: SubjectAltName): boolean {
  switch (found.kind) {
    case 'dns':
      return type === 'san_dns' && value.toLowerCase() === found.value.toLowerCase()
    case 'uri':
      return type === 'san_uri' && value === found.value
    case 'ip':
      return type === 'san_ip' && canonicalAddress(value) === canonicalAddress(found.value)
    case 'email':
      return type === 'san_email' && sameMailbox(value, found.value)
  }
}

/** RFC 5280 §7.5: the host without regard to case, what stands before it exactly. */
function sameMailbox(one: string, other: string): boolean {
  const [local, host = ''] = one.split('@')
  const [otherLocal, otherHost = ''] = other.split('@')
  return local === otherLocal && host.toLowerCase() === otherHost.toLowerCase()
}

/** The bytes of the address, so that every spelling of one is the same. */
function canonicalAddress(text: string): string | null {
  const bytes = parseIpv4(text) ?? (text.includes(':') ? parseIpv6(text.toLowerCase()) : null)
  return bytes === null ? null : bytes.join('.')
}
