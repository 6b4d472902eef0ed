/** The backend in frameworks that speak fetch's own types: Hono, and the route handlers of Next.js. A few lines each. */

import type { Bff } from '../bff.ts'

interface HonoContext {
  readonly req: { readonly raw: Request }
}

/** Middleware for Hono: `app.use(honoBff(bff))`, before everything that must not see the application's own requests. */
export function honoBff(bff: Bff): (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  return async (context, next) => {
    const answer = await bff(context.req.raw)
    if (answer !== null) return answer
    await next()
    return undefined
  }
}

/**
 * Route handlers for the app router of Next.js: `export const { GET, POST, PUT, PATCH, DELETE, HEAD } = nextBff(bff)` in
 * `app/bff/[...path]/route.ts`, and in one below the path of each route.
 */
export function nextBff(bff: Bff): { readonly [method in NextMethod]: (request: Request) => Promise<Response> } {
  const answer = async (request: Request) => (await bff(request)) ?? new Response(null, { status: 404 })
  return { GET: answer, HEAD: answer, POST: answer, PUT: answer, PATCH: answer, DELETE: answer }
}

export type NextMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
