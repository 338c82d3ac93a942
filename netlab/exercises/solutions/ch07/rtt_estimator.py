class RttEstimator:
    def __init__(self):
        self.rto_s = 1.0
        self.srtt_s = None  # nothing measured yet
        self.rttvar_s = 0.0

    def measured(self, rtt_s, retransmitted=False):
        if retransmitted:
            return  # of which copy is this the acknowledgement?
        if self.srtt_s is None:
            self.srtt_s = rtt_s
            self.rttvar_s = rtt_s / 2
        else:
            deviation_s = abs(self.srtt_s - rtt_s)  # from the old SRTT
            self.rttvar_s = 3 / 4 * self.rttvar_s + 1 / 4 * deviation_s
            self.srtt_s = 7 / 8 * self.srtt_s + 1 / 8 * rtt_s
        self.rto_s = min(60, max(1, self.srtt_s + 4 * self.rttvar_s))

    def timed_out(self):
        self.rto_s = min(60, 2 * self.rto_s)
