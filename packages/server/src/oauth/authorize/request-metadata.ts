/** What the metadata says of how requests may come and answers go (RFC 9126 §5, RFC 9101 §10.5, JARM §4, RFC 9396 §10). */

import { detailsTypesMax } from '../../domain/authorization-details/details-type.ts'
import { signingAlgorithms } from '../../domain/client/signing-algorithm.ts'
import { requestObjectAlgorithms } from '../../domain/client/request-rules.ts'
import { contentAlgorithms, encryptionAlgorithms } from '../../domain/client/token-rules.ts'
import { requestContentAlgorithms, requestKeyAlgorithms } from '../../domain/keys/request-decryption.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { responseModes } from './authorization-response.ts'

export function requestMetadata({ rules }: Pick<AuthorizationServer, 'rules'>): { readonly [name: string]: unknown } {
  return {
    require_pushed_authorization_requests: rules.requirePushedRequests,
    require_signed_request_object: rules.requireSignedRequests,
    response_modes_supported: ['jwt', ...responseModes],
    authorization_signing_alg_values_supported: signingAlgorithms,
    authorization_encryption_alg_values_supported: encryptionAlgorithms,
    authorization_encryption_enc_values_supported: contentAlgorithms,
    request_parameter_supported: true,
    // By reference only what was pushed: no address that anybody names is ever fetched.
    request_uri_parameter_supported: false,
    request_object_signing_alg_values_supported: requestObjectAlgorithms,
    request_object_encryption_alg_values_supported: requestKeyAlgorithms,
    request_object_encryption_enc_values_supported: requestContentAlgorithms,
  }
}

/** The part that an operator changes while the server runs. */
export async function detailsTypesMetadata({
  store,
}: Pick<AuthorizationServer, 'store'>): Promise<{ readonly [name: string]: unknown }> {
  const types = await store.detailsTypes.names(detailsTypesMax)
  return types.length === 0 ? {} : { authorization_details_types_supported: types }
}
