/** A small API: notes of whoever calls, for callers with the right scope, and for a person who signed in lately to delete them. */

import {
  type Access,
  type ApiCredentials,
  answerProtectedResource,
  guardApi,
  guardFetch,
  protectedResourceUrl,
  type ResourceDescription,
} from '@pawl/verifier'

export interface NotesApi {
  readonly fetch: (request: Request) => Promise<Response>
  readonly close: () => Promise<void>
}

export interface NotesApiOptions {
  readonly issuer: string
  /** Where the API is, and its name in `resource` and `aud`. */
  readonly url: string
  readonly credentials: ApiCredentials
}

const noteBytesMax = 1000
const notesMax = 100

export function openNotesApi({ issuer, url, credentials }: NotesApiOptions): NotesApi {
  const described: ResourceDescription = { resource: url, name: 'Notes', scopes: ['notes.read', 'notes.write'] }
  const resourceMetadata = protectedResourceUrl(url)
  const guard = guardApi({ issuer, audience: url, credentials, follow: 'feed', resourceMetadata })
  const notes = new Map<string, string[]>()

  const routes: { readonly [route: string]: (request: Request) => Response | Promise<Response> } = {
    'GET /notes': guardFetch(guard, { scopes: ['notes.read'] }, (_request, access) =>
      Response.json(told(access, notes)),
    ),
    'POST /notes': guardFetch(guard, { scopes: ['notes.write'] }, async (request, { subject }) => {
      const text = await request.text()
      const own = notes.get(subject) ?? []
      if (text === '' || text.length > noteBytesMax || own.length >= notesMax)
        return new Response(null, { status: 413 })
      notes.set(subject, [...own, text])
      return new Response(null, { status: 201 })
    }),
    'DELETE /notes': guardFetch(guard, { scopes: ['notes.write'], maxAgeSeconds: 300 }, (_request, { subject }) => {
      notes.delete(subject)
      return new Response(null, { status: 204 })
    }),
    'GET /health': () => Response.json(guard.health()),
  }

  return {
    fetch: async request => {
      const route = routes[`${request.method} ${new URL(request.url).pathname}`]
      return (
        answerProtectedResource(guard, described, request) ?? route?.(request) ?? new Response(null, { status: 404 })
      )
    },
    close: guard.close,
  }
}

function told({ subject, staleMs }: Access, notes: ReadonlyMap<string, readonly string[]>): object {
  return { subject, notes: notes.get(subject) ?? [], revocations_known_up_to_ms_ago: staleMs }
}
