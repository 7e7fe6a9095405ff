#!/bin/sh
# Made by: reconcile export --format pcs. Read it before you run it, on a node of a cluster that is set
# up and has no resources yet. Secrets are taken from the environment; pcs wants them as arguments, so
# that whoever may list the processes of this machine can see them while it runs.
set -eu
work=$(mktemp)
trap 'rm -f "$work"' EXIT
command pcs cluster cib "$work"
pcs() { command pcs -f "$work" "$@"; }

# Properties
pcs property set --force stonith-enabled=true stop-orphan-resources=true

# Defaults
pcs resource defaults set create meta resource-stickiness=100

# Nodes
pcs node attribute b rack=r2 standby=true

# Fencing
pcs stonith create fence-a fence_ipmilan ip=10.0.0.1 username=root password="${FENCE_A_PASSWORD:?}" \
  lanplus=1 pcmk_delay_max=5s pcmk_host_list=a op monitor interval=60s --force

# Resources
pcs resource create --no-default-ops web ocf:heartbeat:apache configfile=/etc/httpd.conf op monitor \
  interval=10s timeout=20s --force
pcs resource create --no-default-ops vip ocf:heartbeat:IPaddr2 ip=10.0.1.1 cidr_netmask=024 op \
  monitor interval=10s timeout=20s on-fail=standby monitor interval=60s role=Stopped --force
pcs resource group add front vip
pcs resource create --no-default-ops db ocf:pacemaker:Stateful promotable db-clone notify=true \
  --force
pcs resource op delete db monitor

# Fencing levels
pcs stonith level add 1 a fence-a --force

# Tags
pcs tag create web-base web

# Constraints
pcs constraint location add location-front-a-100 front a 100
pcs constraint location add location-front-b--INFINITY front b -INFINITY
pcs constraint location web rule constraint-id=by-rack score=10 rack eq r2
pcs constraint rule add by-rack score=-INFINITY '#uname' eq c or not_defined rack
pcs constraint colocation add front with Promoted db-clone INFINITY \
  id=colocation-front-db-clone-INFINITY
pcs constraint order promote db-clone then start front id=order-db-clone-front-mandatory \
  kind=Mandatory
pcs constraint order set web front sequential=false setoptions id=all-of-it kind=Mandatory

# All or nothing: until here only a copy was changed.
command pcs cluster cib-push "$work"
