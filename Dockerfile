# One image, one command per process; docker-compose.yml runs them. Debian, since Temporal's native parts need glibc.

FROM node:20-bookworm-slim AS build
WORKDIR /holdfast
# pip fetches the pinned ffmpeg, as npm start does.
RUN apt-get update \
  && apt-get install -y --no-install-recommends python3 python3-pip \
  && rm -rf /var/lib/apt/lists/*
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN node tools/build/build.mjs && node deploy/install-ffmpeg.mjs /opt/holdfast/ffmpeg
RUN npm prune --omit=dev

FROM node:20-bookworm-slim
WORKDIR /holdfast
ENV NODE_ENV=production \
  NODE_OPTIONS=--enable-source-maps \
  HOLDFAST_FFMPEG=/opt/holdfast/ffmpeg \
  HOLDFAST_DATA_DIR=/data
COPY --from=build /opt/holdfast/ffmpeg /opt/holdfast/ffmpeg
COPY --from=build /holdfast/node_modules ./node_modules
COPY --from=build /holdfast/package.json ./package.json
COPY --from=build /holdfast/deploy ./deploy
COPY --from=build /holdfast/dist ./dist
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
