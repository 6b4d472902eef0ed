/** The authorization part of the Model Context Protocol (2025-11-25): what it asks of an authorization server. */

import { isPublicClient } from '../../domain/client/client.ts'
import { type CheckedProfile, type Clause, eachClient, either, type Judgement, met, type Situation } from './clause.ts'
import { judgeTransport } from './alike.ts'

const clauses: readonly Clause[] = [
  { clause: 'Communication Security', demand: 'every endpoint is https', judge: judgeTransport },
  {
    clause: 'Authorization Server Metadata Discovery',
    demand: 'metadata is found as RFC 8414 or OpenID Connect Discovery say',
    always: {
      reason: 'both documents are always there',
      tests: ['discovers the server by either document, from the issuer alone'],
    },
  },
  {
    clause: 'Authorization Code Protection',
    demand: 'the metadata lists S256, or MCP clients go no further',
    always: {
      reason: 'and nothing else',
      tests: ['lists the response types, modes, prompts and challenge methods that work'],
    },
  },
  {
    clause: 'Client Registration Approaches',
    demand: 'a client nobody has heard of gets in: by its own document, by registering itself, or because it was added',
    judge: judgeWaysIn,
  },
  {
    clause: 'Client ID Metadata Documents',
    demand: 'documents are fetched with care, and their clients are told by their host',
    always: {
      reason: 'where they are taken at all',
      tests: ['SF-01', 'SF-03', 'SF-05', 'SF-06', 'SF-10', 'CK-12'],
    },
  },
  {
    clause: 'Overview',
    demand: 'public clients may come without a credential',
    always: { reason: 'the metadata lists the method none', tests: ['lists the client authentication that works'] },
  },
  {
    clause: 'Resource Parameter Implementation',
    demand: 'tokens are for the MCP server that the client names',
    judge: judgeResources,
  },
  {
    clause: 'Token Theft',
    demand: 'refresh tokens of public clients are rotated',
    always: { reason: 'nothing turns that off for them', tests: ['RT-07', 'RT-05'] },
  },
  {
    clause: 'Token Theft',
    demand: 'access tokens are short-lived',
    judge: ({ clients }) =>
      eachClient(
        clients,
        ({ accessTokenSeconds }) =>
          accessTokenSeconds <= accessSecondsMax
            ? null
            : {
                reason: `its access tokens live ${accessTokenSeconds} seconds`,
                change: `say --access-seconds ${accessSecondsMax}`,
              },
        { met: `they live at most ${accessSecondsMax} seconds`, none: 'no client is registered yet; they would be' },
      ),
  },
  {
    clause: 'Open Redirection',
    demand: 'redirect URIs are registered, compared exactly, and https or on loopback',
    always: {
      reason: 'the port of a loopback literal may differ, as native clients need',
      tests: ['RU-01', 'RU-04', 'RU-09', 'RU-10'],
    },
  },
  {
    clause: 'Confused Deputy Problem',
    demand: 'people agree to each client by itself',
    always: {
      reason: 'a client that came by itself is asked about every time',
      tests: ['CK-12', 'CK-09'],
    },
  },
  {
    clause: 'Scope Challenge Handling',
    demand: 'a client may come back for more scope',
    always: {
      reason: 'by another authorization, and people are asked for what is new',
      tests: ['is remembered for a confidential client, scope by scope'],
    },
  },
  {
    clause: 'Conformance',
    demand: 'unmodified MCP clients get through',
    always: {
      reason: 'public, rotating, with S256, by registration and by document',
      tests: [
        'passes every scenario for authorization servers, as a client that registered itself',
        'registers itself, signs a person in, and refreshes a token for its MCP server',
        'is its own document where that is offered, and registers nothing',
      ],
    },
  },
]

export const mcp: CheckedProfile = { title: 'Model Context Protocol 2025-11-25, Authorization', clauses }

/** Ours to name: RFC 9700 wants access tokens short-lived, and says no number. */
const accessSecondsMax = 900

function judgeWaysIn({ settings, metadata, clients }: Situation): readonly Judgement[] {
  const ways = [
    ...(metadata['client_id_metadata_document_supported'] === true
      ? [`by documents from ${settings.clientDocumentHosts.join(', ')}`]
      : []),
    ...(metadata['registration_endpoint'] === undefined
      ? []
      : [settings.registration === 'open' ? 'by registering themselves' : 'by registering themselves with a token']),
  ]
  const change = 'serve with --client-document-host HOST (or * for every host), or with --registration open'
  if (ways.length > 0) return met(ways.join(', and '))
  if (clients.some(isPublicClient)) return met(`only those that were added; for others: ${change}`)
  return either(false, { met: '', failed: 'clients get in by being added alone, and no public one is', change })
}

function judgeResources({ settings, resources }: Situation): readonly Judgement[] {
  if (settings.resources === 'any') return met('clients may name any')
  if (resources.length > 0) return met(`of ${resources.length} that are registered`)
  return either(false, {
    met: '',
    failed: 'an MCP client names its server as the resource, and none is registered',
    change: 'say pawl resource add with the URL of each MCP server',
  })
}
