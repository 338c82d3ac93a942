import threading


class Members:
    def __init__(self):
        self.lock = threading.Lock()  # guards names
        self.names = []

    def add(self, name):
        with self.lock:
            if name in self.names:
                return False
            self.names.append(name)
            return True

    def remove(self, name):
        with self.lock:
            if name not in self.names:
                return False
            self.names.remove(name)
            return True

    def everyone(self):
        with self.lock:
            return self.names.copy()
