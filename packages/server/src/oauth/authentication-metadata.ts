/** What metadata says of client authentication, for each endpoint that asks for it (RFC 8414 §2). */

import { authAlgorithms, type AuthMethod, authMethods } from '../domain/client/client.ts'
import { clientSignatureAlgorithms } from '../domain/client/client-key.ts'

/** Methods that look at the certificate of the connection: on where one can be shown. */
const certificateMethods: readonly AuthMethod[] = ['tls_client_auth', 'self_signed_tls_client_auth']

/** `takesCertificates`: a listener or a proxy of ours hands client certificates on. */
export function authenticationMetadata(takesCertificates: boolean): { readonly [name: string]: unknown } {
  const methods = authMethods.filter(method => takesCertificates || !certificateMethods.includes(method))
  const confidential = methods.filter(method => method !== 'none')
  return {
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: authAlgorithms,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: authAlgorithms,
    introspection_endpoint_auth_methods_supported: confidential,
    introspection_endpoint_auth_signing_alg_values_supported: authAlgorithms,
    client_attestation_signing_alg_values_supported: clientSignatureAlgorithms,
    client_attestation_pop_signing_alg_values_supported: clientSignatureAlgorithms,
  }
}
