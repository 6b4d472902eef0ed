/** What may be registered of how a client authenticates. Pure, as all of `client-rules.ts`. */

import { judgeCertificateName } from '../domain/certificate/certificate-name.ts'
import { type Client, type ClientKind, secretAlgorithm } from '../domain/client/client.ts'
import { mayVerify } from '../domain/client/client-key.ts'
import { registeredKeys } from '../domain/client/client-keys.ts'
import { judgeOutboundUrl } from '../domain/outbound/outbound-url.ts'
import { defaultsOf } from './client-defaults.ts'

/** One sentence for each thing that is wrong with it. */
export function judgeAuthentication(client: Client): string[] {
  return [...judgeMethod(client), ...judgeKeys(client), ...judgeAlgorithm(client)]
}

/** Kinds whose copies run on devices of their users: what can vouch for one of them is an attestation. */
const attestableKinds: readonly ClientKind[] = ['native', 'device']

function judgeMethod({ kind, authMethod }: Client): string[] {
  const isPublic = authMethod === 'none'
  if (defaultsOf(kind).confidential) {
    if (authMethod === 'attest_jwt_client_auth') {
      return [`A client of kind ${kind} runs on a server: attestations are for instances on devices.`]
    }
    return isPublic
      ? [`A client of kind ${kind} authenticates: choose client_secret_basic, private_key_jwt or another method.`]
      : []
  }
  if (isPublic || (authMethod === 'attest_jwt_client_auth' && attestableKinds.includes(kind))) return []
  return [`A client of kind ${kind} is public and cannot keep a secret: leave --auth out.`]
}

function judgeKeys(client: Client): string[] {
  const { authMethod, jwks, jwksUri, certificateName, attesterJwks } = client
  const wrong: string[] = []
  const refusal = jwksUri === null ? null : judgeKeyUrl(jwksUri)
  if (refusal !== null) wrong.push(`The address of its keys is refused: ${refusal}.`)
  const hasKeys = jwks.length > 0 || jwksUri !== null
  if ((authMethod === 'private_key_jwt' || authMethod === 'self_signed_tls_client_auth') && !hasKeys) {
    wrong.push(`The method ${authMethod} needs the client's public keys: --jwks FILE or --jwks URL.`)
  }
  if (authMethod === 'self_signed_tls_client_auth' && jwks.length > 0 && !hasCertificate(client)) {
    wrong.push('The method self_signed_tls_client_auth needs a key with its certificate in x5c (RFC 8705 §2.2.2).')
  }
  if (authMethod === 'tls_client_auth' && certificateName === null) {
    wrong.push('The method tls_client_auth needs the name in the certificate: --tls-name TYPE=VALUE.')
  }
  const misnamed = certificateName === null ? null : judgeCertificateName(certificateName)
  if (misnamed !== null) wrong.push(`The name in the certificate is refused: ${misnamed}.`)
  if (authMethod === 'attest_jwt_client_auth' && attesterJwks.length === 0) {
    wrong.push('The method attest_jwt_client_auth needs the keys of who attests: --attester-jwks FILE.')
  }
  return wrong
}

/** Where it leads is judged when it is fetched: an operator's own hosts are known to the server alone. */
function judgeKeyUrl(uri: string): string | null {
  const privateHosts = new Set(URL.canParse(uri) ? [new URL(uri).hostname] : [])
  return judgeOutboundUrl(uri, { allowsLoopback: true, privateHosts })
}

function hasCertificate(client: Client): boolean {
  return registeredKeys(client).some(({ certificate }) => certificate !== null)
}

function judgeAlgorithm(client: Client): string[] {
  const { authMethod, authAlgorithm, jwks } = client
  if (authAlgorithm === null) return []
  if (authMethod === 'client_secret_jwt') {
    return authAlgorithm === secretAlgorithm ? [] : [`A client secret signs with ${secretAlgorithm} only.`]
  }
  if (authMethod !== 'private_key_jwt') return [`The method ${authMethod} signs nothing: leave --auth-alg out.`]
  if (authAlgorithm === secretAlgorithm) return [`A public key does not verify ${secretAlgorithm}.`]
  const isUsable = jwks.length === 0 || registeredKeys(client).some(key => mayVerify(key, authAlgorithm))
  return isUsable ? [] : [`None of its keys is for ${authAlgorithm}.`]
}
