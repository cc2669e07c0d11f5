#!/usr/bin/env bash
# A real SLURM cluster on this machine, as root, from Debian's packages:
#   tests/slurm_cluster.sh install|missing|up|restart_controller|down
# The compute nodes, cpu1 and gpu1 (with two emulated GPUs), live in a network namespace of their
# own, from which only the controller can be reached: as on a real cluster, they have no internet.
set -euo pipefail
STATE=/tmp/syn2real-slurm
NODES="nsenter --net=/run/netns/slurm-nodes" # unlike `ip netns exec`, it leaves /sys as it is
MEMORY=32000 # MB of each node

install() {
    apt-get update -qq
    apt-get install --yes -qq --no-install-recommends slurmctld slurmd slurm-client munge \
        iproute2 procps
}

# Say what a cluster cannot be started without, if anything.
missing() {
    [ "$(id -u)" = 0 ] || echo "root is needed"
    for command in slurmctld slurmd munged ip; do
        command -v $command >/dev/null || echo "$command is not installed"
    done
    if [ -e /etc/slurm/slurm.conf ] && ! grep -q ClusterName=syn2real /etc/slurm/slurm.conf; then
        echo "/etc/slurm/slurm.conf is another cluster's"
    fi
}

up() {
    mkdir -p $STATE/{spool/cpu1,spool/gpu1,controller} /etc/slurm /run/munge
    if ! munge -n >/dev/null 2>&1; then
        chown munge: /run/munge
        runuser -u munge -- munged
    fi
    if ! ip netns list | grep -q slurm-nodes; then
        ip netns add slurm-nodes
        ip link add slurm-login type veth peer name slurm-nodes netns slurm-nodes
        ip address add 10.213.7.1/30 dev slurm-login
        ip link set slurm-login up
        $NODES ip address add 10.213.7.2/30 dev slurm-nodes
        $NODES ip link set slurm-nodes up
        $NODES ip link set lo up
    fi
    # A device file is what makes SLURM set CUDA_VISIBLE_DEVICES.
    echo "NodeName=gpu1 Name=gpu File=/dev/null,/dev/zero" >/etc/slurm/gres.conf
    cat >/etc/slurm/cgroup.conf <<END
CgroupPlugin=cgroup/v1
CgroupMountpoint=/sys/fs/cgroup
ConstrainRAMSpace=yes
END
    printf '%s\n' '#!/bin/sh' "echo \$SLURM_JOB_ID \${CUDA_VISIBLE_DEVICES:-none} >>$STATE/devices" \
        >$STATE/prolog
    chmod +x $STATE/prolog
    cat >/etc/slurm/slurm.conf <<END
ClusterName=syn2real
SlurmctldHost=$(hostname -s)(10.213.7.1)
SlurmUser=root
StateSaveLocation=$STATE/controller
SlurmdSpoolDir=$STATE/spool/%n
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/slurmd.%n.pid
SlurmctldLogFile=$STATE/slurmctld.log
SlurmdLogFile=$STATE/slurmd.%n.log
SlurmdParameters=config_overrides
MpiDefault=none
ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup
JobAcctGatherType=jobacct_gather/cgroup
TaskProlog=$STATE/prolog
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
KillWait=5
OverTimeLimit=0
MinJobAge=3600
MaxArraySize=1001
NodeName=cpu1 NodeHostname=$(hostname -s) NodeAddr=10.213.7.2 Port=17001 CPUs=8 RealMemory=$MEMORY
NodeName=gpu1 NodeHostname=$(hostname -s) NodeAddr=10.213.7.2 Port=17002 CPUs=8 RealMemory=$MEMORY Gres=gpu:2
PartitionName=cpu Nodes=cpu1 Default=YES
PartitionName=gpu Nodes=gpu1
PartitionName=urgent Nodes=gpu1 PriorityTier=10
END
    pgrep -x slurmctld >/dev/null || slurmctld
    for node in cpu1 gpu1; do
        pgrep -f "slurmd -N $node" >/dev/null || $NODES slurmd -N $node
    done
    for _ in $(seq 60); do
        [ "$(sinfo --noheader --Node --states idle,mixed,allocated --format %N | sort -u | wc -l)" = 2 ] &&
            exit 0
        sleep 0.5
    done
    tail --lines 5 $STATE/*.log >&2
    exit 1
}

restart_controller() {
    pkill -x slurmctld
    while pgrep -x slurmctld >/dev/null; do sleep 0.2; done
    sleep 5
    slurmctld
}

down() {
    if pgrep -x slurmctld >/dev/null; then
        pkill -f 'snakemake .*--profile slurm --configfile tiny.yaml' || true # a killed run's
        timeout 30 scancel --state RUNNING,PENDING --partition cpu,gpu,urgent 2>/dev/null || true
        sleep 1
    fi
    pkill -x 'slurm(d|ctld)' || true
    for _ in $(seq 100); do
        pgrep -x 'slurm(d|ctld)' >/dev/null || break
        sleep 0.2
    done
    pkill -9 -x 'slurm(d|ctld)' || true # one that waits for its jobs
    ip link delete slurm-login 2>/dev/null || true
    ip netns delete slurm-nodes 2>/dev/null || true
    rm -rf $STATE /etc/slurm/{slurm,gres,cgroup}.conf
}

"$1"
