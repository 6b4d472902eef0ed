/**
 * The parts behind a stage's endpoints, for tests of what happens between two looks at the store: they bring a store
 * whose answer arrives after something else has happened.
 */

import { dpopNonces } from '../../packages/server/src/domain/dpop/dpop-nonces.ts'
import { dpopProofs } from '../../packages/server/src/domain/dpop/dpop-proofs.ts'
import { systemEntropy } from '../../packages/server/src/domain/entropy.ts'
import type { Caller } from '../../packages/server/src/domain/event/new-event.ts'
import { background } from '../../packages/server/src/domain/background.ts'
import { clientDocuments } from '../../packages/server/src/domain/client/client-documents.ts'
import { clientKeys } from '../../packages/server/src/domain/client/client-keys.ts'
import { familySteps } from '../../packages/server/src/domain/family/step.ts'
import { keyedHasher } from '../../packages/server/src/domain/keys/keyed-hash.ts'
import { requestDecryption } from '../../packages/server/src/domain/keys/request-decryption.ts'
import { sealer } from '../../packages/server/src/domain/keys/seal.ts'
import { openSigningKeys } from '../../packages/server/src/domain/keys/signing-keys.ts'
import { userScopes } from '../../packages/server/src/domain/user/user-scopes.ts'
import type { Store } from '../../packages/server/src/domain/store.ts'
import { familyRate } from '../../packages/server/src/domain/throttle/family-rate.ts'
import { tokenCodec } from '../../packages/server/src/domain/token/codec.ts'
import { familyHandle } from '../../packages/server/src/domain/token/family-handle.ts'
import { opaqueAccessTokens } from '../../packages/server/src/domain/token/opaque-access-token.ts'
import { openSubjects } from '../../packages/server/src/domain/token/subjects.ts'
import { argon2Hasher } from '../../packages/server/src/domain/user/password.ts'
import { signInLimits } from '../../packages/server/src/domain/user/sign-in-limits.ts'
import { openOutbound } from '../../packages/server/src/outbound/open-outbound.ts'
import { type AuthorizationServer, endpointUrls } from '../../packages/server/src/oauth/authorization-server.ts'
import { systemTimer } from '../../packages/server/src/http/failure-delay.ts'
import { openCourier } from '../../packages/server/src/oauth/open-courier.ts'
import { openRevocationFeed } from '../../packages/server/src/oauth/open-revocation-feed.ts'
import { upstreamProviders } from '../../packages/server/src/oauth/upstream/provider.ts'
import { quickHashing, type Stage } from './stage.ts'

export const somebody: Caller = { requestId: null, address: '203.0.113.7', userAgent: 'a test' }

/** The same server as the stage's, over its store or over one that stands in front of it. */
export async function partsOf(stage: Stage, store: Store = stage.pawl.store): Promise<AuthorizationServer> {
  const { entropy, keys } = stage
  const seals = sealer(keys, entropy)
  const now = () => store.now()
  const outbound = openOutbound({ allowsLoopback: true, privateHosts: new Set() })
  const codec = tokenCodec(keys)
  const known: Omit<AuthorizationServer, 'courier'> = {
    issuer: stage.issuer,
    store,
    entropy,
    stepFamily: familySteps(store.families, entropy),
    familyRate: familyRate(stage.clock.nowMs, 10_000),
    codec,
    currentKeyId: keys.current.id,
    hasher: keyedHasher(keys, entropy),
    sealer: seals,
    handles: familyHandle(keys),
    opaqueAccessTokens: opaqueAccessTokens(codec, keys, entropy),
    subjects: await openSubjects(store, entropy),
    claimsHook: null,
    statusLists: null,
    revocations: openRevocationFeed({ masterKeys: keys }, stage, { store, startTimer: systemTimer }),
    requestDecryption: requestDecryption(keys),
    signingKeys: await openSigningKeys({
      store: store.signingKeys,
      sealer: seals,
      entropy,
      now,
      firstPublishSeconds: 0,
      report: rethrow,
    }),
    firstKeyPublishSeconds: 0,
    dpop: { proofs: dpopProofs(), nonces: dpopNonces(keys, stage.issuer) },
    urlsOf: endpointUrls([stage.issuer]),
    clientCertificates: null,
    passwords: argon2Hasher(systemEntropy(), quickHashing),
    background: background(rethrow),
    outbound,
    clientDocuments: clientDocuments(outbound),
    upstreamProviders: upstreamProviders({ issuer: stage.issuer, sealer: seals, outbound, nowMs: stage.clock.nowMs }),
    clientKeys: clientKeys({ outbound, nowMs: stage.clock.nowMs, report: rethrow }),
    rules: {
      codeSeconds: 60,
      deviceCodeSeconds: 600,
      deviceIntervalSeconds: 5,
      branchesPerGrantMax: 100,
      resources: 'any',
      dpopNonces: false,
      sessionSeconds: 604_800,
      repeatsMax: 100,
      grantsPerUserAndClientMax: 100,
      passwordChangeEnds: 'others',
      signUp: false,
      registration: 'open',
      registrationScopes: userScopes,
      registeredClientsMax: 10_000,
      clientDocumentHosts: ['*'],
      softwareIssuers: [],
      requirePushedRequests: false,
      requireSignedRequests: false,
    },
    signInLimits,
    mailer: null,
  }
  return { ...known, courier: openCourier(known) }
}

function rethrow(error: unknown): never {
  throw error
}
